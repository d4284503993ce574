import { basename, join } from "node:path";
import { readRange, sizeOfFile } from "../../external/ranges.ts";
import { type Bench, type Disk, listP1, p1, putOnP1, runTool } from "../disk.ts";
import { EmulatorError } from "../failure.ts";

/** A file of p1, as bytes. @throws EmulatorError CARD where there is none. */
export async function readOnP1(bench: Bench, disk: Disk, name: string): Promise<Uint8Array> {
  await mustBeOnP1(bench, disk, name);
  const file = join(bench.work, `read-${basename(name)}`);
  await runTool(bench, ["mcopy", "-o", "-n", "-i", p1(disk), `::${name}`, file]);
  return readRange(file, 0, await sizeOfFile(file));
}

/** @throws EmulatorError CARD where there is no such file. */
export async function removeFromP1(bench: Bench, disk: Disk, name: string): Promise<void> {
  await mustBeOnP1(bench, disk, name);
  await runTool(bench, ["mdel", "-i", p1(disk), `::${name}`]);
}

/** Cuts a file of p1 to its first `bytes` bytes. @throws EmulatorError CARD where it has not that many. */
export async function truncateOnP1(bench: Bench, disk: Disk, name: string, bytes: number): Promise<void> {
  await putOnP1(bench, disk, name, shortened(await readOnP1(bench, disk, name), bytes, name));
}

async function mustBeOnP1(bench: Bench, disk: Disk, name: string): Promise<void> {
  const held = await listP1(bench, disk);
  if (!held.includes(name))
    throw new EmulatorError("CARD", `p1 of the card holds no ${name}`, { details: held });
}

/** The first bytes of a file. @throws EmulatorError CARD where it has not that many. */
export function shortened(content: Uint8Array, bytes: number, name: string): Uint8Array {
  if (bytes > content.length) {
    throw new EmulatorError(
      "CARD",
      `${name} has ${content.length} bytes and cannot be cut to ${bytes}, which is more`,
    );
  }
  return content.subarray(0, bytes);
}
