import { gunzipSync, zstdDecompressSync } from "node:zlib";

const NEWC = "070701";
const HEADER = 110;
const TRAILER = "TRAILER!!!";

/**
 * Paths of all files in an initramfs: one or more cpio archives in a row (modules, stored as they are), the
 * last one compressed. Throws RangeError for a compression it does not know or a torn archive.
 */
export function filesOfInitramfs(bytes: Buffer): Set<string> {
  const files = new Set<string>();
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0) at += 1;
    else if (bytes.toString("latin1", at, at + 6) === NEWC) at = listArchive(bytes, at, files);
    else {
      for (const path of filesOfInitramfs(unpacked(bytes.subarray(at)))) files.add(path);
      break;
    }
  }
  return files;
}

function unpacked(bytes: Buffer): Buffer {
  const magic = bytes.toString("hex", 0, 4);
  if (magic === "28b52ffd") return zstdDecompressSync(bytes);
  if (magic.startsWith("1f8b")) return gunzipSync(bytes);
  throw new RangeError(`an initramfs packed in an unknown way (it begins with ${magic})`);
}

/** Adds the names of one archive; gives where it ends. */
function listArchive(bytes: Buffer, start: number, files: Set<string>): number {
  for (let at = start; at + HEADER <= bytes.length; ) {
    if (bytes.toString("latin1", at, at + 6) !== NEWC) break;
    const field = (index: number): number =>
      Number.parseInt(bytes.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameLength = field(11);
    const path = bytes.toString("utf8", at + HEADER, at + HEADER + nameLength - 1);
    at = padded(padded(at + HEADER + nameLength, start) + field(6), start);
    if (path === TRAILER) return at;
    files.add(path.replace(/^\.?\//, ""));
  }
  throw new RangeError("an initramfs that ends in the middle");
}

const padded = (offset: number, start: number): number => start + ((offset - start + 3) & ~3);
