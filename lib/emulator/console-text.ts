const ESCAPE = "\u001b";
const BELL = "\u0007";
/** OSC strings (ESC ] ... BEL or ESC \), CSI sequences (ESC [ ... letter) and two-character escapes. */
const SEQUENCES = new RegExp(
  `${ESCAPE}\\][^${BELL}${ESCAPE}]*(?:${BELL}|${ESCAPE}\\\\|$)|${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]|${ESCAPE}[ -/]*[0-~]`,
  "g",
);
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Longest line kept; a serial line full of noise without an end is cut here. */
export const LINE_LIMIT = 64 * 1024;

/** A line as a person sees it: without colours, cursor movements and control characters. */
export function plainText(line: string): string {
  return line.replace(SEQUENCES, "").replace(CONTROLS, "");
}

/**
 * Makes lines of what comes over a serial line, in whatever pieces it comes. Unlike a splitter for files
 * it shows the unfinished line too: prompts have no newline.
 */
export class ConsoleText {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #pending = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** The unfinished line, plain. */
  get pending(): string {
    return plainText(this.#pending);
  }

  push(chunk: Uint8Array): void {
    const parts = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#pending = parts.pop() ?? "";
    for (const part of parts) this.#line(part);
    while (this.#pending.length >= LINE_LIMIT) {
      this.#line(this.#pending.slice(0, LINE_LIMIT));
      this.#pending = this.#pending.slice(LINE_LIMIT);
    }
  }

  /** The line ended: what is left counts as a line. */
  end(): void {
    const rest = this.#pending + this.#decoder.decode();
    this.#pending = "";
    if (rest !== "") this.#line(rest);
  }

  #line(raw: string): void {
    for (let at = 0; at === 0 || at < raw.length; at += LINE_LIMIT) {
      this.#onLine(plainText(raw.slice(at, at + LINE_LIMIT)));
    }
  }
}
