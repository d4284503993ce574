import { mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBootState } from "../../../lib/emulator/boot-state.ts";
import {
  type Bench,
  checkLayout,
  copyImage,
  digestOfSlotA,
  parseListing,
  readBootStates,
} from "../../../lib/emulator/disk.ts";
import { readPartitionTable } from "../../../lib/emulator/partition-table.ts";
import { realWorld } from "../../../lib/external/world.ts";
import type { ToolsTree } from "../../../lib/image/tools/tree.ts";
import { partitionTable } from "../../image/stand-in-image.ts";

const MIB = 1024 ** 2;
/** This machine's own tools: enough for what is tested here. */
const hostTools: ToolsTree = {
  path: "/",
  digest: "",
  command: (argv, { binds: _binds, cwd: _cwd, ...run }) => ({ ...run, argv }),
};

let folder: string;
let bench: Bench;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "disk-"));
  bench = { tools: hostTools, world: realWorld(new AbortController().signal), work: folder };
});
afterAll(() => rm(folder, { recursive: true }));

async function image(): Promise<string> {
  const state = encodeBootState({ BOOT_ORDER: "A" });
  const path = join(folder, "some.img");
  const bytes = Buffer.alloc(8192 * 512 + 512);
  partitionTable().copy(bytes);
  bytes.set(state, 16 * 512);
  await writeFile(path, bytes);
  await truncate(path, 521 * MIB);
  return path;
}

describe("copyImage", () => {
  it("makes a sparse copy of 8 GiB and leaves the image alone", async () => {
    const path = await image();
    const disk = await copyImage(bench, path);
    const copy = await stat(disk.path);
    expect(copy.size).toBe(8 * 1024 ** 3);
    expect(copy.blocks * 512).toBeLessThan(16 * MIB);
    expect(disk).toMatchObject({ imageBytes: 521 * MIB, slotA: { offset: 520 * MIB } });
    expect((await stat(path)).size).toBe(521 * MIB);
  });

  it("reads both copies of the boot state", async () => {
    const disk = await copyImage(bench, await image());
    expect(await readBootStates(disk)).toEqual([{ BOOT_ORDER: "A" }, undefined]);
  });

  it("digests slot A as far as the image went, so that growing changes nothing", async () => {
    const disk = await copyImage(bench, await image());
    // One MiB of zeroes.
    expect(await digestOfSlotA(disk)).toBe(
      "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58",
    );
  });
});

describe("checkLayout", () => {
  it("finds slot A and data", () => {
    const { slotA, slotB, data } = checkLayout("some.img", partitionTable());
    expect(slotA).toEqual({ offset: 520 * MIB, bytes: 2048 * MIB, type: 0x83 });
    expect(slotB.offset).toBe(2568 * MIB);
    expect(data.offset).toBe(4616 * MIB);
  });

  it("names the place where p1 should begin", () => {
    const sector = partitionTable();
    sector.writeUInt32LE(2048, 446 + 8);
    expect(() => checkLayout("some.img", sector)).toThrow("begins at byte 1048576, not at 8388608");
  });

  it("misses a partition", () => {
    const sector = partitionTable();
    sector.writeUInt8(0, 446 + 3 * 16 + 4);
    expect(() => checkLayout("some.img", sector)).toThrow("some.img has no partition table with four");
    expect(readPartitionTable(sector)?.[3]).toBeUndefined();
  });
});

describe("parseListing", () => {
  it("takes files with their folders, in order", () => {
    const text = "::/overlays/\n::/start4.elf\n::/bcm2837-rpi-3-b.dtb\n\n::/overlays/x.dtbo\n";
    expect(parseListing(text)).toEqual(["bcm2837-rpi-3-b.dtb", "overlays/x.dtbo", "start4.elf"]);
  });
});
