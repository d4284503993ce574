/** What opens a block, and the word that closes it. */
const opens = new Map([
  ["if", "fi"],
  ["for", "done"],
  ["while", "done"],
]);
/** What stands only inside a block, and the word that closes that. */
const inside = new Map([
  ["then", "fi"],
  ["else", "fi"],
  ["elif", "fi"],
  ["do", "done"],
]);

/** The commands of a U-Boot script, words that open and close blocks as commands of their own. */
function* commands(script: string): Generator<{ readonly word: string; readonly line: number }> {
  for (const [index, text] of script.split("\n").entries()) {
    // Jinja's own lines and values, comments, and what stands in quotes is not the hush shell's.
    const bare = text
      .replace(/\{[%#].*?[%#]\}/g, "")
      .replace(/\{\{.*?\}\}/g, "x")
      .replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, "quoted")
      .replace(/(^|\s)#.*$/, "");
    for (const part of bare.split(/;|&&|\|\|/)) {
      let words = part
        .trim()
        .split(/\s+/)
        .filter((word) => word !== "");
      while (words[0] !== undefined) {
        const [word, ...rest] = words;
        yield { word, line: index + 1 };
        // `then setenv a b` is two commands; `for x in ...` and `setenv if` are one.
        words = ["then", "else", "do", "if", "while"].includes(word) ? rest : [];
      }
    }
  }
}

/** What is out of balance in a U-Boot script: `if then fi`, `for do done`. Empty where nothing is. */
export function unbalanced(script: string): string[] {
  const open: { readonly word: string; readonly line: number; ready: boolean }[] = [];
  const problems: string[] = [];
  for (const { word, line } of commands(script)) {
    const top = open.at(-1);
    const closing = top === undefined ? undefined : opens.get(top.word);
    const problem = (text: string): void => void problems.push(`line ${line}: ${text}`);
    if (opens.has(word)) open.push({ word, line, ready: false });
    else if (inside.has(word)) {
      if (top === undefined || closing !== inside.get(word)) problem(`${word} stands in no such block`);
      else if (word === "else" || word === "elif") {
        if (!top.ready) problem(`${word} before then`);
      } else if (top.ready) problem(`a second ${word}`);
      else top.ready = true;
    } else if (word === "fi" || word === "done") {
      if (top === undefined || closing !== word) problem(`${word} closes nothing`);
      else if (!top.ready) problem(`${word} without ${word === "fi" ? "then" : "do"}`);
      if (closing === word) open.pop();
    }
  }
  return [...problems, ...open.map(({ word, line }) => `line ${line}: ${word} is never closed`)];
}
