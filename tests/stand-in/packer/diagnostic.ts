/** An error in the template or in what was given to it, in packer's own form. */
export class Diagnostic extends Error {
  readonly summary: string;
  readonly detail: string;
  readonly line: number | undefined;

  constructor(summary: string, detail: string, line?: number) {
    super(`${summary}: ${detail}`);
    this.summary = summary;
    this.detail = detail;
    this.line = line;
  }

  render(file: string): string {
    const place =
      this.line === undefined ? "" : `\n\n  on ${file} line ${this.line}:\n  (source code not available)`;
    return `Error: ${this.summary}${place}\n\n${this.detail}\n\n`;
  }
}

/** Line (from 1) of the first match, for places: the parser gives none. */
export function lineOf(source: string, pattern: RegExp): number | undefined {
  const at = source.search(pattern);
  return at < 0 ? undefined : source.slice(0, at).split("\n").length;
}
