import { BOOT_STATE_BYTES, BOOT_STATE_OFFSETS, decodeBootState } from "../emulator/boot-state.ts";
import { type PartitionEntry, readPartitionTable } from "../emulator/partition-table.ts";
import { readRange, sizeOfFile } from "../external/ranges.ts";
import { DiffError } from "./failure.ts";
import type { Records } from "./records.ts";
import { regionNames } from "./regions.ts";

const DISK_ID_OFFSET = 440;
const SECTOR_BYTES = 512;

type Fact = [name: string, aspects: Readonly<Record<string, string>>];

export interface Layout {
  readonly boot: PartitionEntry;
  readonly slotA: PartitionEntry;
}

/** Where p1 and slot A lie. Throws DiffError LAYOUT where the image has no such partitions. */
export async function readLayout(image: string, name: string): Promise<Layout> {
  const [boot, slotA] = readPartitionTable(await readRange(image, 0, SECTOR_BYTES)) ?? [];
  if (boot === undefined || slotA === undefined) {
    throw new DiffError("LAYOUT", `${name} has no partition table with p1 and slot A`, {
      fix: "give disk images as ./pi build makes them",
    });
  }
  return { boot, slotA };
}

/** Length, partition table and boot state of an image, and what the file system of slot A says of itself. */
export async function readDiskFacts(
  image: string,
  header: Readonly<Record<string, string>>,
): Promise<Records> {
  const sector = await readRange(image, 0, SECTOR_BYTES);
  const states = BOOT_STATE_OFFSETS.map((offset) => readRange(image, offset, BOOT_STATE_BYTES));
  return new Map<string, Fact[1]>([
    ["image", { bytes: String(await sizeOfFile(image)) }],
    ...tableFacts(sector),
    ...(await Promise.all(states)).map((state, copy) => stateFacts(state, copy)),
    [`${regionNames.slot}, file system`, header],
  ]);
}

function tableFacts(sector: Buffer): Fact[] {
  const id = sector.readUInt32LE(DISK_ID_OFFSET).toString(16).padStart(8, "0");
  const facts: Fact[] = [[`${regionNames.table}, disk`, { id }]];
  for (const [index, entry] of (readPartitionTable(sector) ?? []).entries()) {
    if (entry === undefined) continue;
    const type = `0x${entry.type.toString(16).padStart(2, "0")}`;
    const aspects = { start: String(entry.offset), bytes: String(entry.bytes), type };
    facts.push([`${regionNames.table}, partition ${index + 1}`, aspects]);
  }
  return facts;
}

function stateFacts(sector: Uint8Array, copy: number): Fact {
  const values = decodeBootState(sector);
  return [regionNames.state(copy), { checksum: values === undefined ? "wrong" : "right", ...values }];
}
