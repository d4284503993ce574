import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { digestJson } from "../cluster/canonical-json.ts";
import { sha256OfFile } from "../external/files.ts";
import { setFileLength, sha256OfRange, sizeOfFile } from "../external/ranges.ts";
import type { World } from "../external/world.ts";
import { layout, SECTOR } from "../image/assemble/layout.ts";
import type { BuildInfo, BuiltImage } from "../image/build/results.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import { EDIT_MS, QUICK_LEVEL } from "./limits.ts";
import { editSlot, type SlotEdit } from "./slot-edit.ts";

/** A build with files of its slot changed; its build id is of the one it was made from and of the changes. */
export interface EditedBuild extends BuiltImage {
  /** The disk image, compressed quickly. */
  readonly image: string;
}

const BUILD_FILE = "/usr/lib/home-pi/build.json";

/**
 * Makes another build by editing a finished one's slot: quicker by minutes than to build it, and a real system all the
 * same. Slot, image, buildinfo and bill of materials stay in `folder`, which must not be there yet.
 * Throws RehearsalError SLOT, ProcessError.
 */
export async function editBuild(
  from: BuiltImage,
  edits: readonly SlotEdit[],
  folder: string,
  tools: ToolsTree,
  world: World,
): Promise<EditedBuild> {
  await mkdir(folder, { recursive: true });
  const slot = join(folder, "slot.ext4");
  const tool = (argv: readonly [string, ...string[]], inputFile?: string) =>
    world.processes.run(
      tools.command(argv, {
        ...{ binds: [{ source: folder }], cwd: folder, timeoutMs: EDIT_MS, signal: world.signal },
        ...(inputFile === undefined ? {} : { inputFile }),
      }),
    );
  await world.processes.run({
    argv: ["cp", "--sparse=always", "--reflink=auto", "--", join(from.folder, "slot.ext4"), slot],
    timeoutMs: EDIT_MS,
  });
  const before = from.info.buildId;
  const buildId = digestJson({ from: before, edits: JSON.stringify(edits) });
  const { stdout: facts } = await tool(["debugfs", "-R", `cat ${BUILD_FILE}`, slot]);
  const named: SlotEdit = { kind: "write", path: BUILD_FILE, content: facts.replaceAll(before, buildId) };
  await editSlot(slot, folder, [...edits, named], tools, world);
  const disk = join(folder, "disk.img");
  await tool(["zstd", "-d", "-q", "-f", "--sparse", "-o", disk], join(from.folder, "disk.img.zst"));
  const start = layout.slotA.start * SECTOR;
  const bytes = await sizeOfFile(slot);
  await setFileLength(disk, start);
  await setFileLength(disk, start + bytes);
  await putSlot(slot, disk, start, bytes, world);
  const info: BuildInfo = {
    ...from.info,
    buildId,
    slot: { bytes, sha256: await sha256OfFile(slot) },
    disk: { bytes: start + bytes, sha256: await sha256OfRange(disk, 0, start + bytes) },
  };
  const image = join(folder, "disk.img.zst");
  await tool(["zstd", "-q", "-T0", `-${QUICK_LEVEL}`, "-f", disk, "-o", image]);
  await rm(disk);
  // No package is another one.
  await copyFile(join(from.folder, "sbom.cdx.json"), join(folder, "sbom.cdx.json"));
  return { id: from.id, info, reused: false, folder, image };
}

async function putSlot(
  slot: string,
  disk: string,
  start: number,
  bytes: number,
  world: World,
): Promise<void> {
  await world.processes.run({
    argv: [
      ...(["dd", `if=${slot}`, `of=${disk}`, "bs=1M", "conv=notrunc,sparse", "status=none"] as const),
      ...[`seek=${start}`, "oflag=seek_bytes"],
    ],
    timeoutMs: EDIT_MS,
  });
  if ((await sizeOfFile(disk)) !== start + bytes) throw new Error(`${disk} is not as long as it should be`);
}
