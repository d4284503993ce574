import { basename, join } from "node:path";
import { exists, writeAtomically } from "../external/files.ts";
import { readRange, setFileLength, sha256OfRange, sizeOfFile } from "../external/ranges.ts";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import { BOOT_STATE_BYTES, BOOT_STATE_OFFSETS, type BootState, decodeBootState } from "./boot-state.ts";
import { EmulatorError } from "./failure.ts";
import { CARD_BYTES, COPY_MS, TOOL_MS } from "./limits.ts";
import { type PartitionEntry, readPartitionTable } from "./partition-table.ts";

/** Where p1 begins, by the disk contract. */
export const P1_OFFSET = 8 * 1024 * 1024;

/** A working copy of an image, as large as a card. Nothing of it is ever mounted on this machine. */
export interface Disk {
  readonly path: string;
  /** Length of the image before it was grown, in bytes: the end of slot A's file system. */
  readonly imageBytes: number;
  readonly slotA: PartitionEntry;
  readonly slotB: PartitionEntry;
  readonly data: PartitionEntry;
}

/** What disks are worked on with: the tools, the outside, and the folder both see at the same place. */
export interface Bench {
  readonly tools: ToolsTree;
  readonly world: World;
  readonly work: string;
}

/** Runs one of the tools with the work folder bound in. */
export function runTool(bench: Bench, argv: readonly [string, ...string[]], timeoutMs: number = TOOL_MS) {
  const { tools, world, work } = bench;
  const env = { MTOOLS_SKIP_CHECK: "1" };
  const binds = [{ source: work }];
  return world.processes.run(tools.command(argv, { binds, env, cwd: work, timeoutMs, signal: world.signal }));
}

/**
 * Copies an image (.img, .img.zst) to `<work>/disk.img` and grows the copy to 8 GiB; holes stay holes.
 * @throws EmulatorError IMAGE where it is absent, of another kind, larger than the card or laid out otherwise.
 */
export async function copyImage(bench: Bench, image: string): Promise<Disk> {
  const path = join(bench.work, "disk.img");
  if (!(await exists(image))) {
    throw new EmulatorError("IMAGE", `there is no image ${image}`, { fix: "./pi build makes one" });
  }
  if (image.endsWith(".img.zst")) await unpackImage(bench, image, path);
  else if (image.endsWith(".img")) await copySparse(bench, image, path);
  else {
    throw new EmulatorError("IMAGE", `${basename(image)} is neither .img nor .img.zst`, {
      fix: "give a disk image as ./pi build makes it, or the name of a profile",
    });
  }
  const imageBytes = await sizeOfFile(path);
  if (imageBytes > CARD_BYTES) {
    throw new EmulatorError(
      "IMAGE",
      `${basename(image)} is ${imageBytes} bytes long, a card has ${CARD_BYTES}`,
    );
  }
  const partitions = checkLayout(basename(image), await readRange(path, 0, 512));
  await setFileLength(path, CARD_BYTES);
  return { path, imageBytes, ...partitions };
}

/** The entries of both slots and data. @throws EmulatorError IMAGE */
export function checkLayout(
  name: string,
  firstSector: Uint8Array,
): { slotA: PartitionEntry; slotB: PartitionEntry; data: PartitionEntry } {
  const [boot, slotA, slotB, data] = readPartitionTable(firstSector) ?? [];
  if (boot === undefined || slotA === undefined || slotB === undefined || data === undefined) {
    throw new EmulatorError("IMAGE", `${name} has no partition table with four partitions`);
  }
  if (boot.offset !== P1_OFFSET) {
    const text = `the first partition of ${name} begins at byte ${boot.offset}, not at ${P1_OFFSET}`;
    throw new EmulatorError("IMAGE", text);
  }
  return { slotA, slotB, data };
}

/** Unpacks an .img.zst to a path in the work folder; holes stay holes, so that it takes the room of what is in it. */
export async function unpackImage(
  { tools, world, work }: Bench,
  image: string,
  path: string,
  timeoutMs: number = COPY_MS,
): Promise<void> {
  const run = { binds: [{ source: work }], inputFile: image, timeoutMs, signal: world.signal };
  await world.processes.run(tools.command(["zstd", "-d", "-q", "-f", "--sparse", "-o", path], run));
}

async function copySparse(bench: Bench, image: string, path: string): Promise<void> {
  const argv = ["cp", "--sparse=always", "--reflink=auto", "--", image, path] as const;
  await bench.world.processes.run({ argv, timeoutMs: COPY_MS, signal: bench.world.signal });
}

/** How mtools name p1 of the card. */
export function p1(disk: Disk): string {
  return `${disk.path}@@${P1_OFFSET}`;
}

/** Puts a file on p1 of the copy, in place of one of that name. */
export async function putOnP1(
  bench: Bench,
  disk: Disk,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const file = join(bench.work, `put-${name}`);
  await writeAtomically(file, content);
  await runTool(bench, ["mcopy", "-o", "-i", p1(disk), file, `::${name}`]);
}

/** Takes a file of p1 out to `<work>/<name>`. @throws EmulatorError IMAGE where p1 does not hold it. */
export async function takeFromP1(bench: Bench, disk: Disk, name: string): Promise<string> {
  const held = await listP1(bench, disk);
  if (!held.includes(name)) {
    throw new EmulatorError("IMAGE", `the image's first partition holds no ${name}`, { details: held });
  }
  const file = join(bench.work, basename(name));
  await runTool(bench, ["mcopy", "-o", "-n", "-i", p1(disk), `::${name}`, file]);
  return file;
}

/** Paths of all files on p1, without a leading slash, sorted. */
export async function listP1(bench: Bench, disk: Disk): Promise<string[]> {
  const { stdout } = await runTool(bench, ["mdir", "-b", "-f", "-/", "-i", p1(disk), "::/"]);
  return parseListing(stdout);
}

/** Reads `mdir -b -/`: one `::/path` a line, folders with a slash at the end. */
export function parseListing(text: string): string[] {
  const paths = text.split("\n").map((line) => line.trim().replace(/^::\/*/, ""));
  return paths.filter((path) => path !== "" && !path.endsWith("/")).sort();
}

/** Both copies of the boot state, as they stand on the disk. */
export async function readBootStates(disk: Disk): Promise<[BootState, BootState]> {
  const read = async (offset: number): Promise<BootState> =>
    decodeBootState(await readRange(disk.path, offset, BOOT_STATE_BYTES));
  const [first, second] = BOOT_STATE_OFFSETS;
  return [await read(first), await read(second)];
}

/** SHA-256 (hex) of slot A as far as the image file reaches. */
export function digestOfSlotA(disk: Disk): Promise<string> {
  return sha256OfRange(disk.path, disk.slotA.offset, disk.imageBytes);
}
