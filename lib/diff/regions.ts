import { BOOT_STATE_BYTES, BOOT_STATE_OFFSETS } from "../emulator/boot-state.ts";
import type { PartitionEntry } from "../emulator/partition-table.ts";
import type { ByteRegion } from "./schema.ts";

/** A part of the disk; `end` is not included. */
export interface Region {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

const SECTOR_BYTES = 512;
const MOST_RANGES = 1000;

export const regionNames = {
  table: "partition table",
  state: (copy: number): string => `boot state, copy ${copy + 1}`,
  boot: "p1",
  slot: "slot A",
  rest: "outside of these",
} as const;

/** The parts of the disk contract, in the order of the disk. */
export function regionsOf(boot: PartitionEntry, slotA: PartitionEntry): Region[] {
  const whole = ({ offset, bytes }: PartitionEntry) => ({ start: offset, end: offset + bytes });
  return [
    { name: regionNames.table, start: 0, end: SECTOR_BYTES },
    ...BOOT_STATE_OFFSETS.map((start, copy) => ({
      ...{ name: regionNames.state(copy), start, end: start + BOOT_STATE_BYTES },
    })),
    { name: regionNames.boot, ...whole(boot) },
    { name: regionNames.slot, ...whole(slotA) },
  ].sort((a, b) => a.start - b.start);
}

/** Sorts ranges of bytes into regions, cutting those that reach over an end; keeps the first of each region. */
export function collectRanges(
  regions: readonly Region[],
  most: number = MOST_RANGES,
): {
  push(offset: number, bytes: number): void;
  result(): ByteRegion[];
} {
  const found = new Map<string, { ranges: { offset: number; bytes: number }[]; more: number }>();
  const add = (name: string, offset: number, bytes: number): void => {
    const entry = found.get(name) ?? { ranges: [], more: 0 };
    if (entry.ranges.length < most) entry.ranges.push({ offset, bytes });
    else entry.more += 1;
    found.set(name, entry);
  };
  return {
    push(offset, bytes) {
      const end = offset + bytes;
      let at = offset;
      while (at < end) {
        const inside = regions.find((region) => region.start <= at && at < region.end);
        const next = regions.find((region) => region.start > at);
        const to = Math.min(end, inside?.end ?? next?.start ?? end);
        add(inside?.name ?? regionNames.rest, at, to - at);
        at = to;
      }
    },
    result: () => {
      const names = [...regions.map(({ name }) => name), regionNames.rest];
      return names.flatMap((region) => {
        const entry = found.get(region);
        return entry === undefined ? [] : [{ region, ...entry }];
      });
    },
  };
}
