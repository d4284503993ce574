import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

const BLOCK = 4096;

/**
 * RAUC's block hash index of a file: the raw SHA-256 of each 4 KiB block, in order. With it on the card the
 * first update downloads only what changed; without it RAUC first hashes both slots (minutes on a Pi).
 * Format read from rauc 1.13, src/hash_index.c. Also gives the digest of the whole file.
 */
export async function hashIndex(path: string): Promise<{ index: Buffer; sha256: string }> {
  const whole = createHash("sha256");
  const hashes: Buffer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * BLOCK })) {
    whole.update(chunk as Buffer);
    let data: Buffer = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    while (data.length >= BLOCK) {
      hashes.push(createHash("sha256").update(data.subarray(0, BLOCK)).digest());
      data = data.subarray(BLOCK);
    }
    rest = data;
  }
  if (rest.length > 0) throw new RangeError(`${path} is not a whole number of ${BLOCK}-byte blocks`);
  return { index: Buffer.concat(hashes), sha256: whole.digest("hex") };
}
