import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat, truncate } from "node:fs/promises";

export async function sizeOfFile(path: string): Promise<number> {
  return (await stat(path)).size;
}

/** `length` bytes from byte `offset`; shorter where the file ends. */
export async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const buffer = Buffer.alloc(length);
    let read = 0;
    while (read < length) {
      const { bytesRead } = await handle.read(buffer, read, length - read, offset + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return buffer.subarray(0, read);
  } finally {
    await handle.close();
  }
}

/** SHA-256 (hex) of the bytes from `offset` (included) to `end` (not included). */
export async function sha256OfRange(path: string, offset: number, end: number): Promise<string> {
  const hash = createHash("sha256");
  if (end <= offset) return hash.digest("hex");
  const stream = createReadStream(path, { start: offset, end: end - 1, highWaterMark: 1024 * 1024 });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Sets a file's length; what is added is a hole that takes no space. */
export async function setFileLength(path: string, bytes: number): Promise<void> {
  await truncate(path, bytes);
}
