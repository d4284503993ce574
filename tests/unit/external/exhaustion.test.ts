import { describe, expect, it } from "vitest";
import { type Exhausted, exhaustionIn } from "../../../lib/external/exhaustion.ts";

/** Words of the programs a build runs. */
const said: readonly (readonly [Exhausted, string])[] = [
  ["space", "tar: ./usr/lib/x.so: Cannot write: No space left on device"],
  ["space", "dpkg: error processing archive x.deb (--unpack):\n failed to write (No space left on device)"],
  ["space", "E: You don't have enough free space in /var/cache/apt/archives/."],
  ["space", "zstd: error 70 : Write error : cannot write block : No space left on device"],
  ["space", "mke2fs: Could not allocate block in ext2 filesystem while populating file system"],
  ["space", "ENOSPC: no space left on device, copyfile 'a' -> 'b'"],
  ["space", "cp: error writing 'x': Disk quota exceeded"],
  ["space", "Disk full"],
  ["memory", "sh: 1: Cannot fork: Cannot allocate memory"],
  ["memory", "zstd: error 11 : Allocation error : not enough memory"],
  ["memory", "Traceback (most recent call last):\nMemoryError"],
  ["memory", "Out of memory!"],
  ["memory", "terminate called after throwing an instance of 'std::bad_alloc'"],
  ["read-only", "mkdir: cannot create directory '/tmp/x': Read-only file system"],
];

describe("what a program ran out of", () => {
  it.each(said)("%s: %s", (what, text) => {
    const found = exhaustionIn(`before\n${text}\nafter`);
    expect(found?.what).toBe(what);
    expect(text).toContain(found?.line.trim());
  });

  it("is not read into other errors", () => {
    expect(
      exhaustionIn("E: Sub-process dpkg returned 1\nPermission denied\nfree memory: 3 GiB"),
    ).toBeUndefined();
  });

  it("is cut out of a very long line", () => {
    const long = `${"a".repeat(5_000)} No space left on device ${"b".repeat(5_000)}`;
    const line = exhaustionIn(long)?.line ?? "";
    expect(line.length).toBeLessThanOrEqual(300);
    expect(line).toContain("No space left on device");
  });

  it("is the disk, where a full disk made a program fail in other ways too", () => {
    expect(exhaustionIn("MemoryError\nNo space left on device")?.what).toBe("space");
  });
});
