import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { read, shellScripts, sources, typescript } from "./sources.ts";

const MOST_LINES = 300;
const code = sources.filter((path) => /\.(ts|py|sh|hcl|cmd|j2)$/.test(path) || shellScripts.includes(path));

/** The text without comments, strings and patterns. */
function bare(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
}

const anyIn = (text: string): boolean =>
  /(?::|<|\bas|\||&|=>|,)\s*any\b(?!\s*[:(=])|\bany\[\]/.test(bare(text));

describe("the sources", () => {
  it("have names that say what is inside", () => {
    const vague = /^(utils?|helpers?|common|misc|shared|stuff|lib)$/i;
    expect(
      sources.filter((path) =>
        path.split("/").some((part, at) => {
          const name = part.replace(/(\.test)?\.[^.]+$/, "");
          // The folder lib/ itself, and the ways of other programs (usr/lib).
          return vague.test(name) && !(part === "lib" && (at === 0 || /rootfs\/usr\//.test(path)));
        }),
      ),
    ).toEqual([]);
  });

  it(`are never longer than ${MOST_LINES} lines`, () => {
    const long = code.map((path) => [read(path).split("\n").length - 1, path] as const);
    expect(long.filter(([lines]) => lines > MOST_LINES)).toEqual([]);
    expect(code.length).toBeGreaterThan(150);
  });

  it("know what they have in their hands: no any", () => {
    expect(typescript.filter((path) => anyIn(read(path)))).toEqual([]);
  });

  it.each([
    "let a: any;",
    "f(x as any)",
    "const m: Map<string, any> = n;",
    "type A = B | any;",
    "g(a: any[])",
  ])("would be caught at: %s", (text) => {
    expect(anyIn(text)).toBe(true);
  });

  it.each(["// any\n", 'say("as any");', "/** : any */", "AbortSignal.any([a, b])", "Promise.any(x)"])(
    "may say: %s",
    (text) => {
      expect(anyIn(text)).toBe(false);
    },
  );

  it("export by name only, but for tools that want it otherwise", () => {
    const defaults = typescript.filter((path) => /^export default\b/m.test(read(path)));
    expect(defaults.filter((path) => !basename(path).endsWith(".config.ts"))).toEqual([]);
  });
});
