import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asset } from "../../external/assets.ts";
import { sha256OfFile } from "../../external/files.ts";
import type { Command } from "../../external/process.ts";
import type { World } from "../../external/world.ts";
import type { Step } from "../../progress/reporter.ts";
import { checkSlot } from "../board/check-slot.ts";
import { ImageError } from "../failure.ts";
import { timeouts } from "../limits.ts";
import type { ToolsTree } from "../tools/tree.ts";
import { hashIndex } from "./hash-index.ts";
import { layout, partitionScript } from "./layout.ts";
import { measureListing, slotSize, uuidFrom } from "./slot-size.ts";

export interface AssembleRequest {
  readonly profile: string;
  readonly board: string;
  readonly buildId: string;
  /** Canonical tar of the finished tree. */
  readonly tree: string;
  /** Folder of the unpacked firmware packages. */
  readonly firmware: string;
  /** Text of identity.example.yaml. */
  readonly identityExample: string;
  /** Empty folder; slot.ext4, disk.img and disk.img.zst stay in it. */
  readonly folder: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

export interface Assembled {
  readonly slot: { readonly path: string; readonly bytes: number; readonly sha256: string };
  /** Of the uncompressed image: the compressed file's digest depends on zstd. */
  readonly disk: { readonly path: string; readonly bytes: number; readonly sha256: string };
}

/**
 * Makes slot file system and disk image from a tree, as files, once it is known that it can start on its boards.
 * Throws ImageError ASSEMBLE, BOARD or SLOT_TOO_LARGE.
 */
export async function assemble(
  request: AssembleRequest,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<Assembled> {
  const { folder } = request;
  const run = (argv: readonly [string, ...string[]], onLine?: Command["onLine"]) =>
    runAssembler(argv, request, tools, world, step, onLine);
  step.update("checking the boards", 0.02);
  await checkSlot(request, (argv) => run(argv));
  step.update("measuring the tree", 0.1);
  const listing: string[] = [];
  await run(["tar", "--list", "--verbose", "--numeric-owner", "--file", request.tree], (line) =>
    listing.push(line),
  );
  const size = slotSize(measureListing(listing), request.profile);
  step.update("slot file system", 0.15);
  const slot = join(folder, "slot.ext4");
  await run([
    "mke2fs",
    ...slotArguments(request, size.inodes),
    "-d",
    request.tree,
    slot,
    `${size.bytes / 1024}k`,
  ]);
  const { index, sha256 } = await hashIndex(slot);
  await writeFile(join(folder, "slot-a.index"), index);
  await writeFile(join(folder, "slot-a.sum"), `${sha256} ${size.bytes} ${request.buildId}\n`);
  await writeFile(join(folder, "identity.example.yaml"), request.identityExample);
  await writeFile(join(folder, "layout.sh"), layoutVariables());
  await writeFile(join(folder, "partitions.sfdisk"), partitionScript());
  step.update("disk image", 0.5);
  await run([
    "sh",
    asset("lib", "image", "assemble", "assemble.sh"),
    folder,
    request.tree,
    request.firmware,
    asset("boards", request.board),
    join(folder, "layout.sh"),
  ]);
  const disk = join(folder, "disk.img");
  const digest = await sha256OfFile(disk);
  step.update("compressing", 0.7);
  await run(["zstd", "--quiet", "-T0", "-3", "--force", disk, "-o", `${disk}.zst`]);
  return {
    slot: { path: slot, bytes: size.bytes, sha256 },
    disk: { path: `${disk}.zst`, bytes: layout.slotA.start * 512 + size.bytes, sha256: digest },
  };
}

/** No journal: the slot is never written, and fsck of one would change its superblock (see the disk contract). */
function slotArguments(request: AssembleRequest, inodes: number): string[] {
  const uuid = uuidFrom(request.buildId);
  return [
    ...["-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-N", String(inodes), "-m", "0", "-L", "slot"],
    ...["-O", "^has_journal,^orphan_file,^metadata_csum_seed,^resize_inode", "-U", uuid],
    ...["-E", `hash_seed=${uuid},lazy_itable_init=0,nodiscard`],
  ];
}

function layoutVariables(): string {
  const values = {
    state_1: layout.stateSectors[0],
    state_2: layout.stateSectors[1],
    boot_start: layout.boot.start,
    boot_size: layout.boot.size,
    slot_a_start: layout.slotA.start,
    data_start: layout.data.start,
    data_size: layout.data.size,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

async function runAssembler(
  argv: readonly [string, ...string[]],
  request: AssembleRequest,
  tools: ToolsTree,
  world: World,
  step: Step,
  onLine: Command["onLine"],
): Promise<void> {
  const output: string[] = [];
  try {
    await world.processes.run(
      tools.command(argv, {
        binds: [
          // In this order: the tree may lie in the folder, which has to stay writable.
          { source: dirname(request.tree), readOnly: true },
          { source: request.folder },
          { source: request.firmware, readOnly: true },
          { source: asset(), readOnly: true },
        ],
        // mke2fs, mcopy and mkimage take their times from it.
        env: {
          SOURCE_DATE_EPOCH: String(request.epoch),
          LC_ALL: "C.UTF-8",
          TZ: "UTC",
          MTOOLS_SKIP_CHECK: "1",
        },
        timeoutMs: timeouts.assemble,
        signal: world.signal,
        onLine: (line, stream) => {
          if (onLine !== undefined && stream === "stdout") return onLine(line, stream);
          output.push(line);
          step.line(line);
        },
      }),
    );
  } catch (cause) {
    throw new ImageError("ASSEMBLE", `the image of ${request.profile} could not be assembled (${argv[0]})`, {
      details: output.slice(-15),
      cause,
    });
  }
}
