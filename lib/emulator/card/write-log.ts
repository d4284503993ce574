import { readRange, sizeOfFile, writeRange } from "../../external/ranges.ts";
import { EmulatorError } from "../failure.ts";

/** One entry of a log of writes: what the guest asked its disk to do, in order. */
export interface LoggedWrite {
  /** `flush`: what came before is on the disk for good. */
  readonly kind: "write" | "flush" | "discard";
  /** Bytes from the start of the disk. */
  readonly offset: number;
  readonly bytes: number;
  /** Where its data lies in the log. */
  readonly dataOffset: number;
  /** Written through: for good as soon as it is done. */
  readonly through: boolean;
}

// Linux' Documentation/admin-guide/device-mapper/log-writes.rst and drivers/md/dm-log-writes.c; QEMU writes the same.
const MAGIC = 0x6a736677736872n;
const FLUSH = 1;
const THROUGH = 2;
const DISCARD = 4;

/** Reads what the driver `blklogwrites` recorded. @throws EmulatorError CARD for a file of another form. */
export async function readWriteLog(log: string): Promise<LoggedWrite[]> {
  const head = await readRange(log, 0, 28);
  if (head.length < 28 || head.readBigUInt64LE(0) !== MAGIC || head.readBigUInt64LE(8) !== 1n) {
    throw new EmulatorError("CARD", `${log} is no log of writes`);
  }
  const sectorBytes = head.readUInt32LE(24);
  const size = await sizeOfFile(log);
  const found: LoggedWrite[] = [];
  // The count in the head is only as new as the last flush, so the file is read to its end.
  for (let at = sectorBytes; at + sectorBytes <= size; ) {
    const entry = await readRange(log, at, 32);
    const [sector, sectors, flags] = [0, 8, 16].map((place) => Number(entry.readBigUInt64LE(place)));
    const bytes = (sectors ?? 0) * sectorBytes;
    const has = (flag: number): boolean => ((flags ?? 0) & flag) !== 0;
    const offset = (sector ?? 0) * sectorBytes;
    const common = { offset, dataOffset: at + sectorBytes, through: has(THROUGH) };
    if (has(FLUSH)) found.push({ ...common, kind: "flush", bytes: 0 });
    if (has(DISCARD)) found.push({ ...common, kind: "discard", bytes });
    else if (bytes > 0) found.push({ ...common, kind: "write", bytes });
    at += sectorBytes + (has(DISCARD) ? 0 : bytes);
  }
  return found;
}

/** Carries out one recorded write on a card; of a torn one only the first `bytes` bytes. */
export async function applyWrite(
  log: string,
  card: string,
  write: LoggedWrite,
  bytes: number = write.bytes,
): Promise<void> {
  // A discard promises nothing about what is read afterwards.
  if (write.kind !== "write" || bytes === 0) return;
  await writeRange(card, write.offset, await readRange(log, write.dataOffset, bytes));
}

/** What a card holds after a power cut. */
export interface Cut {
  /** Number of entries the guest had sent. */
  readonly at: number;
  /** Entries on the card for good, in order. */
  readonly kept: readonly LoggedWrite[];
  /** Of what came after the last flush: what reached the card, and how many bytes of it. */
  readonly reached: readonly { readonly write: LoggedWrite; readonly bytes: number }[];
}

/**
 * A power cut after the first `at` entries. Up to the last flush all is kept; what came after may be lost or torn
 * between sectors in any way: `random` (0 to below 1) decides. Pure.
 */
export function cutAfter(entries: readonly LoggedWrite[], at: number, random: () => number): Cut {
  const sent = entries.slice(0, at);
  const flushed = sent.findLastIndex((entry) => entry.kind === "flush") + 1;
  const reached = sent.slice(flushed).flatMap((write) => {
    if (write.kind !== "write") return [];
    if (write.through) return [{ write, bytes: write.bytes }];
    const fate = random();
    if (fate < 0.4) return [];
    if (fate < 0.8) return [{ write, bytes: write.bytes }];
    return [{ write, bytes: Math.floor((random() * write.bytes) / 512) * 512 }];
  });
  return { at, kept: sent.slice(0, flushed), reached };
}
