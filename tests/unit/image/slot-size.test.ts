import { spawnSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LARGEST_SLOT_BYTES } from "../../../lib/image/assemble/layout.ts";
import { measureListing, slotSize, uuidFrom } from "../../../lib/image/assemble/slot-size.ts";
import { ImageError } from "../../../lib/image/failure.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const MIB = 1024 * 1024;
const scratch = scratchFolder();

describe("the size of a tree", () => {
  it("is read from GNU tar's own listing", () => {
    mkdirSync(scratch.join("tree/folder"), { recursive: true });
    writeFileSync(scratch.join("tree/one byte"), "x");
    writeFileSync(scratch.join("tree/two-blocks"), "x".repeat(4097));
    writeFileSync(scratch.join("tree/empty"), "");
    symlinkSync("two-blocks", scratch.join("tree/link"));
    linkSync(scratch.join("tree/two-blocks"), scratch.join("tree/zz-second-name"));
    const tar = spawnSync("tar", ["--create", "--sort=name", "--file", "tree.tar", "tree"], {
      cwd: scratch.path,
    });
    expect(tar.stderr.toString()).toBe("");
    const { stdout } = spawnSync("tar", ["--list", "--verbose", "--numeric-owner", "--file", "tree.tar"], {
      cwd: scratch.path,
      encoding: "utf8",
    });
    // Two folders, three files, a link; the second name of a file takes no inode and no room.
    expect(measureListing(stdout.split("\n"))).toEqual({ entries: 6, contentBytes: (2 + 1 + 2) * 4096 });
  });

  it("counts device nodes as entries without content", () => {
    expect(measureListing(["crw-rw-rw- 0/0             1,3 2026-11-22 14:22 ./dev/null"])).toEqual({
      entries: 1,
      contentBytes: 0,
    });
  });
});

const tree = fc.record({
  entries: fc.nat(200_000),
  contentBytes: fc.nat(500_000).map((blocks) => blocks * 4096),
});

describe("the size of a slot's file system", () => {
  it("is never smaller than what goes in, whole 4 MiB, and never above the limit", () => {
    fc.assert(
      fc.property(tree, (size) => {
        try {
          const { bytes, inodes } = slotSize(size, "agent");
          expect(inodes).toBeGreaterThan(size.entries);
          expect(bytes).toBeGreaterThan(size.contentBytes + inodes * 256);
          expect(bytes % (4 * MIB)).toBe(0);
          expect(bytes).toBeLessThanOrEqual(LARGEST_SLOT_BYTES);
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          // Refused only where it is close: content and inodes alone take 97 % of what is allowed.
          expect(size.contentBytes + size.entries * 256).toBeGreaterThan(0.96 * LARGEST_SLOT_BYTES);
        }
      }),
    );
  });

  it("grows with the content", () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(100_000), fc.nat(100_000), (entries, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)].map(
          (blocks) => slotSize({ entries, contentBytes: blocks * 4096 }, "agent").bytes,
        );
        expect(less).toBeLessThanOrEqual(more ?? 0);
      }),
    );
  });

  it("above nine tenths of the slot is refused, with both sizes and the profile", () => {
    const refused = (): unknown => slotSize({ entries: 50_000, contentBytes: 1900 * MIB }, "agent");
    expect(refused).toThrow(/^the system of agent needs 19\d\d MiB, a slot may hold 1844 MiB$/);
    expect(refused).toThrow(
      expect.objectContaining({ code: "SLOT_TOO_LARGE", fix: expect.stringMatching(/packages/) }),
    );
  });
});

describe("the UUID of a file system", () => {
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/);

  it("is a UUID of version 8 and the standard variant, whatever the digest", () => {
    fc.assert(
      fc.property(digest, (hex) => {
        expect(uuidFrom(hex)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
    );
  });

  it("tells digests apart", () => {
    expect(uuidFrom("a".repeat(64))).not.toBe(uuidFrom(`b${"a".repeat(63)}`));
    expect(uuidFrom(`${"a".repeat(31)}b${"a".repeat(32)}`)).not.toBe(uuidFrom("a".repeat(64)));
  });
});
