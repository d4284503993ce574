import { ReleaseError } from "./failure.ts";

export interface Sum {
  readonly name: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Text of SHA256SUMS as sha256sum(1) writes and checks it, sorted by name. */
export function formatSums(sums: readonly Sum[]): string {
  return [...sums]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, sha256 }) => `${sha256}  ${name}\n`)
    .join("");
}

/** Reads SHA256SUMS, strictly: only what formatSums writes. Throws ReleaseError DOCUMENT. */
export function parseSums(text: string, file: string): Sum[] {
  const sums = text.split("\n").flatMap((line, index, lines) => {
    if (line === "" && index === lines.length - 1) return [];
    const match = /^([0-9a-f]{64}) {2}([A-Za-z0-9][A-Za-z0-9._-]*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) {
      throw new ReleaseError("DOCUMENT", "this line is no checksum", { place: { file, line: index + 1 } });
    }
    return [{ sha256: match[1], name: match[2] }];
  });
  if (formatSums(sums) !== text) {
    throw new ReleaseError("DOCUMENT", "the checksums are not sorted, or the last line is cut", {
      place: { file },
    });
  }
  return sums;
}
