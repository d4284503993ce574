import { spawnSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LARGEST_SLOT_BYTES, layout, partitionScript, SECTOR } from "../../../lib/image/assemble/layout.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const MIB = 2048;
const GIB = 1024 ** 3;
const scratch = scratchFolder();
const partitions = [layout.boot, layout.slotA, layout.slotB, layout.data];

describe("the disk contract in numbers", () => {
  it("has the places that cards were flashed with", () => {
    expect(SECTOR).toBe(512);
    expect(layout.stateSectors).toEqual([16, 8192]);
    expect(partitions.map(({ start, size }) => [start / MIB, size / MIB])).toEqual([
      [8, 256],
      [520, 2048],
      [2568, 2048],
      [4616, 1024],
    ]);
  });

  it("lets no two partitions overlap, in the order of the table, each at a whole mebibyte", () => {
    for (const [index, { start, size }] of partitions.entries()) {
      expect(start % MIB).toBe(0);
      expect(start + size).toBeLessThanOrEqual(partitions[index + 1]?.start ?? Number.POSITIVE_INFINITY);
    }
  });

  it("keeps as much space free behind p1 as p1 has", () => {
    expect(layout.slotA.start - (layout.boot.start + layout.boot.size)).toBe(layout.boot.size);
  });

  it("keeps the boot state behind the table, before p1, and its copies apart", () => {
    const [first, second] = layout.stateSectors;
    expect(first).toBeGreaterThan(0);
    expect(second).toBeLessThan(layout.boot.start);
    // In erase blocks of their own, of cards with blocks of 4 MiB too.
    expect(Math.floor(first / (4 * MIB))).not.toBe(Math.floor(second / (4 * MIB)));
  });

  it("gives both slots the same size, and a file system nine tenths of it", () => {
    expect(layout.slotA.size).toBe(layout.slotB.size);
    expect(LARGEST_SLOT_BYTES).toBe(Math.floor(1.8 * GIB));
  });

  it("fits the smallest card that the first boot takes", () => {
    expect(layout.data.start + layout.data.size).toBeLessThan(15_000_000);
  });
});

describe("the partition table's script", () => {
  it("names all four partitions, the first one bootable FAT", () => {
    expect(partitionScript()).toBe(`label: dos
label-id: 0x50693031
unit: sectors

start=16384, size=524288, type=c, bootable
start=1064960, size=4194304, type=83
start=5259264, size=4194304, type=83
start=9453568, size=2097152, type=83
`);
  });

  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  const sfdisk = spawnSync("sfdisk", ["--version"], { env: { PATH: path } }).status === 0;
  it.skipIf(!sfdisk)("is taken by sfdisk (Debian's package fdisk)", () => {
    const image = scratch.join("disk.img");
    writeFileSync(image, "");
    truncateSync(image, (layout.data.start + layout.data.size) * SECTOR);
    const made = spawnSync("sfdisk", ["--quiet", image], { input: partitionScript(), env: { PATH: path } });
    expect(made.stderr.toString()).toBe("");
    const { stdout } = spawnSync("sfdisk", ["--json", image], { env: { PATH: path }, encoding: "utf8" });
    const { partitiontable } = JSON.parse(stdout) as {
      partitiontable: { id: string; partitions: { start: number; size: number; type: string }[] };
    };
    expect(partitiontable.id).toBe(layout.diskId);
    expect(partitiontable.partitions).toMatchObject(
      partitions.map(({ start, size, type }) => ({ start, size, type })),
    );
  });
});
