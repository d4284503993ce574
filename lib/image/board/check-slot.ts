import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { asset } from "../../external/assets.ts";
import { readTextIfPresent } from "../../external/files.ts";
import { ImageError } from "../failure.ts";
import { boardFacts } from "./board-facts.ts";
import { hasTableEntry } from "./built-in.ts";
import { type DeviceNode, parseDeviceTree } from "./device-tree.ts";
import { parseSupportedTrees } from "./device-tree-list.ts";
import { findLacks, type Lack, type SlotParts } from "./find-lacks.ts";
import { filesOfInitramfs } from "./initramfs.ts";
import { readModuleIndex } from "./modules.ts";

/** Paths in a tree the check reads, as tar's patterns. */
export const CHECKED_PATHS: readonly string[] = [
  "./boot/Image.gz",
  "./boot/initrd.img",
  "./boot/dtbs/broadcom/*.dtb",
  "./usr/lib/modules/*/modules.*",
];

export interface SlotToCheck {
  readonly profile: string;
  readonly board: string;
  /** Canonical tar of the finished tree. */
  readonly tree: string;
  /** Folder for a work folder of the check's own, which goes again. */
  readonly folder: string;
}

/**
 * Refuses a tree that could not find its own root file system on one of the boards it is for: a driver on the
 * way to SD card or USB disk is neither in the kernel nor in the initramfs. `unpack` runs a command that sees
 * tree and folder. Throws ImageError BOARD.
 */
export async function checkSlot(
  slot: SlotToCheck,
  unpack: (argv: readonly [string, ...string[]]) => Promise<void>,
): Promise<void> {
  const facts = boardFacts(slot.board);
  if (facts === undefined) return;
  const work = join(slot.folder, "board");
  await mkdir(work);
  await unpack([
    "tar",
    "--extract",
    "--file",
    slot.tree,
    "--directory",
    work,
    "--wildcards",
    ...CHECKED_PATHS,
  ]);
  const lacks = findLacks(facts, await readSlotParts(work, slot.board));
  await rm(work, { recursive: true });
  if (lacks.length > 0) throw refusal(lacks, slot);
}

/** Reads what of a tree lies in a folder. Throws where it holds no kernel, or more than one. */
export async function readSlotParts(folder: string, board: string): Promise<SlotParts> {
  const [version, another] = await readdir(join(folder, "usr/lib/modules"));
  if (version === undefined || another !== undefined) throw new Error(`${folder} has not just one kernel`);
  const own = join("usr/lib/modules", version);
  const text = async (name: string): Promise<string> =>
    (await readTextIfPresent(join(folder, own, name))) ?? "";
  const modules = readModuleIndex({
    alias: await text("modules.alias"),
    dep: await text("modules.dep"),
    softdep: await text("modules.softdep"),
    builtin: await text("modules.builtin"),
    builtinModinfo: await text("modules.builtin.modinfo"),
  });
  const files = filesOfInitramfs(await readFile(join(folder, "boot/initrd.img")));
  const kernel = gunzipSync(await readFile(join(folder, "boot/Image.gz")));
  const builtIn = new Map<string, boolean>();
  return {
    deviceTrees: await readDeviceTrees(join(folder, "boot/dtbs/broadcom"), board),
    modules,
    initramfs: new Set(
      [...files].filter((file) => file.startsWith(`${own}/`)).map((file) => file.slice(own.length + 1)),
    ),
    builtIn: (compatible) => {
      const known = builtIn.get(compatible) ?? hasTableEntry(kernel, compatible);
      builtIn.set(compatible, known);
      return known;
    },
  };
}

async function readDeviceTrees(folder: string, board: string): Promise<Map<string, DeviceNode | undefined>> {
  const present = await readdir(folder);
  const list = parseSupportedTrees(await readFile(asset("boards", board, "boot", "dtbs.txt"), "utf8"));
  const trees = new Map<string, DeviceNode | undefined>();
  for (const { inSlot } of list) {
    const here = present.includes(inSlot);
    trees.set(inSlot, here ? parseDeviceTree(await readFile(join(folder, inSlot))) : undefined);
  }
  return trees;
}

function refusal(lacks: readonly Lack[], { profile, board }: SlotToCheck): ImageError {
  const modules = [...new Set(lacks.flatMap(({ module }) => module ?? []))];
  const list = `boards/${board}/initramfs-tools/modules`;
  const trees = new Map<string, string[]>();
  for (const { dtb, text } of lacks) {
    trees.set(text, [...(trees.get(text) ?? []), ...(dtb === undefined ? [] : [dtb])]);
  }
  const details = [...trees].map(([text, dtbs]) =>
    dtbs.length === 0 ? text : `${dtbs.join(", ")}: ${text}`,
  );
  return new ImageError("BOARD", `a node with the image of ${profile} would not find its root file system`, {
    details,
    fix:
      modules.length === 0
        ? `build with a kernel that supports these boards, or correct boards/${board}/boot/dtbs.txt`
        : `add ${modules.join(", ")} to ${list}`,
  });
}
