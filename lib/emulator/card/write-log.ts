import { readRange, sizeOfFile, withReader, writeRange } from "../../external/ranges.ts";
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
  /** Sectors that the disk was given one by one: each has an entry of its own before it in the log. */
  readonly sectors?: number;
  /** Written through: for good as soon as it is done. */
  readonly through: boolean;
}

// Linux' Documentation/admin-guide/device-mapper/log-writes.rst and drivers/md/dm-log-writes.c; QEMU writes the same.
const MAGIC = 0x6a736677736872n;
const FLUSH = 1;
const THROUGH = 2;
const DISCARD = 4;
const SECTOR_BYTES = 512;

/** Reads what the driver `blklogwrites` recorded. @throws EmulatorError CARD for a file of another form. */
export function readWriteLog(log: string): Promise<LoggedWrite[]> {
  return withReader(log, async (read) => {
    const head = await read(0, 28);
    if (head.length < 28 || head.readBigUInt64LE(0) !== MAGIC || head.readBigUInt64LE(8) !== 1n) {
      throw new EmulatorError("CARD", `${log} is no log of writes`);
    }
    const sectorBytes = head.readUInt32LE(24);
    const size = await sizeOfFile(log);
    const found: LoggedWrite[] = [];
    // The count in the head is only as new as the last flush, so the file is read to its end.
    for (let at = sectorBytes; at + sectorBytes <= size; ) {
      const entry = await read(at, 32);
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
  });
}

/** The longest transfer that Linux gives an SD card, in bytes: what is longer was more than one. */
const TRANSFER_BYTES = 512 * 1024;

/**
 * Puts the transfers together again of an SD card, which writes them sector by sector: what was written one after the
 * other, in one piece. Pure.
 */
export function joinSectors(entries: readonly LoggedWrite[]): LoggedWrite[] {
  const joined: LoggedWrite[] = [];
  for (const entry of entries) {
    const last = joined.at(-1);
    const goesOn =
      last?.kind === "write" &&
      entry.kind === "write" &&
      entry.bytes === SECTOR_BYTES &&
      last.offset + last.bytes === entry.offset &&
      last.dataOffset + 2 * last.bytes === entry.dataOffset &&
      last.bytes < TRANSFER_BYTES;
    if (goesOn)
      joined[joined.length - 1] = {
        ...last,
        bytes: last.bytes + entry.bytes,
        sectors: (last.sectors ?? 1) + 1,
      };
    else
      joined.push(entry.kind === "write" && entry.bytes === SECTOR_BYTES ? { ...entry, sectors: 1 } : entry);
  }
  return joined;
}

/** What a recorded write wrote, or the first `bytes` bytes of it. */
export async function dataOf(log: string, write: LoggedWrite, bytes: number = write.bytes): Promise<Buffer> {
  if (write.sectors === undefined) return readRange(log, write.dataOffset, bytes);
  const whole = await readRange(log, write.dataOffset, 2 * bytes);
  const sectors = Array.from({ length: bytes / SECTOR_BYTES }, (_, number) =>
    whole.subarray(2 * number * SECTOR_BYTES, (2 * number + 1) * SECTOR_BYTES),
  );
  return Buffer.concat(sectors);
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
  await writeRange(card, write.offset, await dataOf(log, write, bytes));
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
    return [{ write, bytes: tornAt(write, random) }];
  });
  return { at, kept: sent.slice(0, flushed), reached };
}

/**
 * A power cut of a card that keeps nothing back and writes in order, as an emulated SD card does: the first `at`
 * entries are on it, and of the next one what was written until then, to the sector. Pure.
 */
export function cutInOrder(entries: readonly LoggedWrite[], at: number, random: () => number): Cut {
  const write = entries[at];
  const reached = write?.kind === "write" ? [{ write, bytes: tornAt(write, random) }] : [];
  return { at, kept: entries.slice(0, at), reached };
}

const tornAt = ({ bytes }: LoggedWrite, random: () => number): number =>
  Math.floor((random() * bytes) / SECTOR_BYTES) * SECTOR_BYTES;
