import { basename, join } from "node:path";
import { writeAtomically } from "../../external/files.ts";
import { copyRange, readRange, sizeOfFile } from "../../external/ranges.ts";
import { type Bench, type Disk, runTool } from "../disk.ts";
import { EmulatorError } from "../failure.ts";
import type { PartitionEntry } from "../partition-table.ts";
import { shortened } from "./p1.ts";

export type SlotName = "A" | "B";

/** A file of a slot, as bytes. @throws EmulatorError CARD where there is none. */
export async function readInSlot(
  bench: Bench,
  disk: Disk,
  slot: SlotName,
  path: string,
): Promise<Uint8Array> {
  const file = join(bench.work, `read-${basename(path)}`);
  await edit(bench, disk, slot, "read", `dump ${path} "${file}"`);
  return readRange(file, 0, await sizeOfFile(file));
}

/** Removes a file or link. @throws EmulatorError CARD where there is none. */
export async function removeInSlot(bench: Bench, disk: Disk, slot: SlotName, path: string): Promise<void> {
  await edit(bench, disk, slot, "write", `rm ${path}`);
}

/** Adds a file. @throws EmulatorError CARD where it is there already, or has no room. */
export async function addToSlot(
  bench: Bench,
  disk: Disk,
  slot: SlotName,
  path: string,
  content: Uint8Array,
): Promise<void> {
  const file = join(bench.work, `put-${basename(path)}`);
  await writeAtomically(file, content);
  await edit(bench, disk, slot, "write", `write "${file}" ${path}`);
}

/** Puts other bytes into a file that is there. @throws EmulatorError CARD where it is not, or has no room. */
export async function replaceInSlot(
  bench: Bench,
  disk: Disk,
  slot: SlotName,
  path: string,
  content: Uint8Array,
): Promise<void> {
  await removeInSlot(bench, disk, slot, path);
  await addToSlot(bench, disk, slot, path, content);
}

/** Cuts a file to its first `bytes` bytes. @throws EmulatorError CARD where it has not that many. */
export async function truncateInSlot(
  bench: Bench,
  disk: Disk,
  slot: SlotName,
  path: string,
  bytes: number,
): Promise<void> {
  const content = await readInSlot(bench, disk, slot, path);
  await replaceInSlot(bench, disk, slot, path, shortened(content, bytes, path));
}

/** Makes `/boot/slot.scr` of a slot anew from the text of a script. */
export async function replaceSlotScript(
  bench: Bench,
  disk: Disk,
  slot: SlotName,
  text: string,
): Promise<void> {
  const source = join(bench.work, "slot.cmd");
  const script = join(bench.work, "slot.scr");
  await writeAtomically(source, text);
  const argv = ["mkimage", "-q", "-A", "arm64", "-T", "script", "-C", "none", "-d", source, script] as const;
  await runTool(bench, argv);
  const content = await readRange(script, 0, await sizeOfFile(script));
  await replaceInSlot(bench, disk, slot, "/boot/slot.scr", content);
}

/** Fills slot B with slot A's file system, byte for byte, as far as the image had one. */
export async function copySlotAToB(disk: Disk): Promise<void> {
  const { slotA, slotB, imageBytes } = disk;
  await copyRange(disk.path, slotA.offset, slotB.offset, imageBytes - slotA.offset);
}

function partitionOf(disk: Disk, slot: SlotName): PartitionEntry {
  return slot === "A" ? disk.slotA : disk.slotB;
}

/** debugfs ends with 0 whatever happened; what went wrong is on its standard error, below its own name. */
async function edit(
  bench: Bench,
  disk: Disk,
  slot: SlotName,
  access: "read" | "write",
  request: string,
): Promise<void> {
  const place = `${disk.path}?offset=${partitionOf(disk, slot).offset}`;
  const argv = ["debugfs", ...(access === "write" ? ["-w"] : []), "-R", request, place] as const;
  const { stderr } = await runTool(bench, argv);
  const problems = stderr.split("\n").filter((line) => line.trim() !== "" && !/^debugfs \d/.test(line));
  if (problems.length > 0) {
    throw new EmulatorError(
      "CARD",
      `slot ${slot} of the card could not be changed or read: debugfs ${request}`,
      {
        details: problems,
      },
    );
  }
}
