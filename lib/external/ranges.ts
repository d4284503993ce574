import { createHash } from "node:crypto";
import { type FileHandle, open, stat, truncate } from "node:fs/promises";

export async function sizeOfFile(path: string): Promise<number> {
  return (await stat(path)).size;
}

/** `length` bytes from byte `offset`; shorter where the file ends. */
export function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  return withReader(path, (read) => read(offset, length));
}

/** Runs `work` with a function that reads ranges of the file as readRange does, which stays open meanwhile. */
export async function withReader<T>(
  path: string,
  work: (read: (offset: number, length: number) => Promise<Buffer>) => Promise<T>,
): Promise<T> {
  const handle = await open(path, "r");
  try {
    return await work(async (offset, length) => {
      const buffer = Buffer.alloc(length);
      let read = 0;
      while (read < length) {
        const { bytesRead } = await handle.read(buffer, read, length - read, offset + read);
        if (bytesRead === 0) break;
        read += bytesRead;
      }
      return buffer.subarray(0, read);
    });
  } finally {
    await handle.close();
  }
}

/** SHA-256 (hex) of the bytes from `offset` (included) to `end` (not included). */
export async function sha256OfRange(path: string, offset: number, end: number): Promise<string> {
  const hash = createHash("sha256");
  if (end <= offset) return hash.digest("hex");
  // One buffer for all of it: a stream's are left to be collected, and a node has little memory.
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const handle = await open(path, "r");
  try {
    for (let at = offset; at < end; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - at), at);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return hash.digest("hex");
}

/** Sets a file's length; what is added is a hole that takes no space. */
export async function setFileLength(path: string, bytes: number): Promise<void> {
  await truncate(path, bytes);
}

/** Writes `bytes` at byte `offset`; the rest of the file stays. */
export async function writeRange(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await writeAll(handle, offset, bytes);
  } finally {
    await handle.close();
  }
}

const COPY_BYTES = 4 * 1024 * 1024;

/** Copies `length` bytes from one place of a file to another. The two may not overlap. */
export async function copyRange(path: string, from: number, to: number, length: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const buffer = Buffer.alloc(Math.min(COPY_BYTES, length));
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - done), from + done);
      if (bytesRead === 0) throw new Error(`${path} ends before byte ${from + length}`);
      await writeAll(handle, to + done, buffer.subarray(0, bytesRead));
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
  }
}
