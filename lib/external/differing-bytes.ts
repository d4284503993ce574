import { type FileHandle, open } from "node:fs/promises";

const CHUNK = 1024 * 1024;
/** Differences closer than this are told as one: they are parts of the same thing. */
const APART = 512;

export interface ByteWatch {
  /** Each place that differs, in order of offsets. */
  readonly onRange: (offset: number, bytes: number) => void;
  /** How far it is, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Compares two files byte by byte; what one is longer than the other counts as different. Half a GiB takes
 * about a second. Resolves to whether they are equal.
 */
export async function compareBytes(first: string, second: string, watch: ByteWatch): Promise<boolean> {
  const [a, b] = [await open(first, "r"), await open(second, "r")];
  try {
    const lengths = [(await a.stat()).size, (await b.stat()).size];
    const [shorter, longer] = [Math.min(...lengths), Math.max(...lengths)];
    const ranges = joinedRanges(watch.onRange);
    const buffers = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)] as const;
    for (let at = 0; at < shorter; at += CHUNK) {
      watch.signal.throwIfAborted();
      const length = Math.min(CHUNK, shorter - at);
      const [left, right] = await Promise.all([
        readWhole(a, buffers[0], at, length),
        readWhole(b, buffers[1], at, length),
      ]);
      if (!left.equals(right)) scan(left, right, at, ranges.push);
      watch.onProgress?.(at / shorter);
    }
    if (longer > shorter) ranges.push(shorter, longer - shorter);
    return ranges.end() === 0;
  } finally {
    await a.close();
    await b.close();
  }
}

async function readWhole(handle: FileHandle, buffer: Buffer, at: number, length: number): Promise<Buffer> {
  let read = 0;
  while (read < length) {
    const { bytesRead } = await handle.read(buffer, read, length - read, at + read);
    if (bytesRead === 0) throw new Error(`the file became shorter while it was read, at byte ${at + read}`);
    read += bytesRead;
  }
  return buffer.subarray(0, length);
}

function scan(a: Buffer, b: Buffer, at: number, push: (offset: number, bytes: number) => void): void {
  for (let sector = 0; sector < a.length; sector += APART) {
    const end = Math.min(sector + APART, a.length);
    if (a.compare(b, sector, end, sector, end) === 0) continue;
    let from = sector;
    let to = end;
    while (a[from] === b[from]) from += 1;
    while (a[to - 1] === b[to - 1]) to -= 1;
    push(at + from, to - from);
  }
}

/** Joins ranges that lie close to each other; `end` gives out the last one and the number of all. */
function joinedRanges(onRange: ByteWatch["onRange"]): {
  push(offset: number, bytes: number): void;
  end(): number;
} {
  let open: { offset: number; end: number } | undefined;
  let count = 0;
  const close = (): void => {
    if (open === undefined) return;
    count += 1;
    onRange(open.offset, open.end - open.offset);
    open = undefined;
  };
  return {
    push(offset, bytes) {
      if (open !== undefined && offset - open.end < APART) {
        open.end = offset + bytes;
        return;
      }
      close();
      open = { offset, end: offset + bytes };
    },
    end() {
      close();
      return count;
    },
  };
}
