import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashIndex } from "../../../lib/image/assemble/hash-index.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const BLOCK = 4096;
const scratch = scratchFolder();
const sha256 = (data: Uint8Array): Buffer => createHash("sha256").update(data).digest();

/** A file of whole blocks, also of more than one read, from a few numbers. */
function blocks(count: number, seed: number): Buffer {
  const content = Buffer.alloc(count * BLOCK);
  for (let at = 0; at < content.length; at += 512)
    content.writeUInt32LE((seed * 2_654_435_761 + at) >>> 0, at);
  return content;
}

describe("RAUC's block hash index", () => {
  it("is the SHA-256 of every 4 KiB, raw and in order; and the whole file's digest", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 600 }), fc.nat(0xffff), async (count, seed) => {
        const content = blocks(count, seed);
        const file = scratch.join("slot.ext4");
        writeFileSync(file, content);
        const { index, sha256: whole } = await hashIndex(file);
        const wanted = Array.from({ length: count }, (_, at) =>
          sha256(content.subarray(at * BLOCK, (at + 1) * BLOCK)),
        );
        expect(index.equals(Buffer.concat(wanted))).toBe(true);
        expect(whole).toBe(sha256(content).toString("hex"));
      }),
      { numRuns: 25 },
    );
  });

  it.each([1, BLOCK - 1, BLOCK + 1, 300 * BLOCK + 17])("is refused for a file of %i bytes", async (bytes) => {
    writeFileSync(scratch.join("file"), Buffer.alloc(bytes));
    await expect(hashIndex(scratch.join("file"))).rejects.toThrow(/whole number of 4096-byte blocks/);
  });
});
