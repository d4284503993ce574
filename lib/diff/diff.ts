import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { unpackImage } from "../emulator/disk.ts";
import { compareBytes } from "../external/differing-bytes.ts";
import { exists } from "../external/files.ts";
import { sizeOfFile } from "../external/ranges.ts";
import { withScratch } from "../external/scratch.ts";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { Step } from "../progress/reporter.ts";
import { readBootPartition } from "./boot-partition.ts";
import { compareInventories, type Inventory } from "./compare.ts";
import { readDiskFacts, readLayout } from "./disk-facts.ts";
import { DiffError } from "./failure.ts";
import { collectRanges, regionsOf } from "./regions.ts";
import type { ImageDiff } from "./schema.ts";
import { readSlot } from "./slot.ts";
import type { Workplace } from "./workplace.ts";

export interface DiffOptions {
  /** Paths of two disk images, .img or .img.zst. They are only read. */
  readonly images: readonly [string, string];
  /** Folder for what is unpacked, up to the size of both images; it is removed again. */
  readonly scratch: string;
}

const UNPACK_MS = 30 * 60_000;

/**
 * Compares two disk images: packages, paths of slot A, files of p1, partition table, boot state, and where none
 * of these differs though bytes do, the bytes. Takes seconds; equal images are told by their bytes alone.
 * Throws DiffError.
 */
export async function diffImages(
  { images, scratch }: DiffOptions,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<ImageDiff> {
  for (const image of images) await checkImage(image);
  return withScratch(scratch, "diff-", async (folder) => {
    step.update("unpacking", 0.02);
    const [first, second] = await bothOf(images, async (image, side) => {
      const work = join(folder, String(side));
      await mkdir(work);
      const packed = image.endsWith(".zst");
      const path = packed ? join(work, "disk.img") : image;
      if (packed) await unpackImage({ tools, world, work }, image, path, UNPACK_MS);
      return { tools, world, work, image: path, name: basename(image) } satisfies Workplace;
    });
    const places = [first, second] as const;
    const described = await bothOf(places, async ({ image, name }) => ({
      name,
      bytes: await sizeOfFile(image),
    }));
    const layouts = await bothOf(places, ({ image, name }) => readLayout(image, name));
    const ranges = collectRanges(regionsOf(layouts[0].boot, layouts[0].slotA));
    const equal = await compareBytes(first.image, second.image, {
      onRange: ranges.push,
      onProgress: (fraction) => step.update("comparing bytes", 0.2 + 0.2 * fraction),
      signal: world.signal,
    });
    const whole = { version: 1 as const, equal, images: described };
    if (equal) return { ...whole, packages: [], paths: [], boot: [], disk: [], bytes: [] };
    step.update("reading what is in them", 0.4);
    const [before, after] = await bothOf(places, (place, side) => takeInventory(place, layouts[side]));
    step.update("comparing", 0.95);
    return { ...whole, ...compareInventories(before, after, ranges.result()) };
  });
}

/** Both at once; an error of one is told only when the other one has ended, too, and left the scratch folder. */
async function bothOf<T, R>(
  pair: readonly [T, T],
  work: (value: T, side: 0 | 1) => Promise<R>,
): Promise<[R, R]> {
  const [first, second] = await Promise.allSettled([work(pair[0], 0), work(pair[1], 1)]);
  if (first.status === "rejected") throw first.reason;
  if (second.status === "rejected") throw second.reason;
  return [first.value, second.value];
}

/** Throws DiffError IMAGE where there is no such file, or one of another kind. */
export async function checkImage(image: string): Promise<void> {
  if (!/\.img(\.zst)?$/.test(image)) {
    throw new DiffError("IMAGE", `${basename(image)} is neither .img nor .img.zst`, {
      fix: "give a disk image as ./pi build makes it, or the name of a profile",
    });
  }
  if (!(await exists(image))) {
    throw new DiffError("IMAGE", `there is no image ${image}`, { fix: "./pi build makes one" });
  }
}

async function takeInventory(
  place: Workplace,
  layout: Awaited<ReturnType<typeof readLayout>>,
): Promise<Inventory> {
  const { paths, packages, header } = await readSlot(place, layout.slotA);
  const boot = await readBootPartition(place, layout.boot);
  return { packages, paths, boot, disk: await readDiskFacts(place.image, header) };
}
