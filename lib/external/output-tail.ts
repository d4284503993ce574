const OUTPUT_LIMIT_BYTES = 8 * 1024 * 1024;
const TAIL_LINES = 40;

/** What a program wrote, its end at least: the start is dropped where it writes without end. */
export class OutputTail {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > OUTPUT_LIMIT_BYTES && this.#chunks.length > 1) {
      this.#bytes -= this.#chunks.shift()?.length ?? 0;
    }
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

/** The last lines, as many as a person reads with a failure. */
export function tailOf(text: string): string[] {
  return text.trimEnd().split("\n").slice(-TAIL_LINES);
}
