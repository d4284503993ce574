/** What a machine can run out of while a program works. */
export type Exhausted = "space" | "memory" | "read-only";

/** What ran out, and the program's own line that says so. */
export interface Exhaustion {
  readonly what: Exhausted;
  readonly line: string;
}

/** The C library's words for ENOSPC, EDQUOT, ENOMEM and EROFS, and the words of those that have their own. */
const SAID: readonly (readonly [Exhausted, RegExp])[] = [
  [
    "space",
    /No space left on device|Disk quota exceeded|(?:not|have) enough free space|ENOSPC|EDQUOT|Disk full|Could not allocate block in ext2 filesystem/i,
  ],
  [
    "memory",
    /Cannot allocate memory|virtual memory exhausted|Out of memory|not enough memory|memory exhausted|MemoryError|std::bad_alloc|ENOMEM|Unable to (?:reserve|map) .*(?:address|memory)/i,
  ],
  ["read-only", /Read-only file system|EROFS/i],
];

const LONGEST_LINE = 300;

/** What a program's output says it ran out of; the first kind of the list that is named anywhere. */
export function exhaustionIn(text: string): Exhaustion | undefined {
  for (const [what, pattern] of SAID) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const start = text.lastIndexOf("\n", match.index) + 1;
    const end = text.indexOf("\n", match.index);
    const line = text.slice(start, end < 0 ? undefined : end).trim();
    // A module's result is one very long line: what stands around the words is enough.
    const from = Math.max(0, match.index - start - LONGEST_LINE / 2);
    return { what, line: line.length <= LONGEST_LINE ? line : line.slice(from, from + LONGEST_LINE) };
  }
  return undefined;
}
