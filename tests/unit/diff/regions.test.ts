import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareInventories, type Inventory } from "../../../lib/diff/compare.ts";
import { collectRanges, regionsOf } from "../../../lib/diff/regions.ts";
import { imageDiffSchema } from "../../../lib/diff/schema.ts";
import { layout, SECTOR } from "../../../lib/image/assemble/layout.ts";

const MIB = 1024 ** 2;
const entry = ({ start, size }: { start: number; size: number }) => ({
  ...{ offset: start * SECTOR, bytes: size * SECTOR, type: 0x83 },
});
const regions = regionsOf(entry(layout.boot), entry(layout.slotA));

describe("bytes that differ", () => {
  it.each([
    [0, 1, "partition table"],
    [511, 1, "partition table"],
    [512, 1, "outside of these"],
    [8192, 512, "boot state, copy 1"],
    [4 * MIB, 4, "boot state, copy 2"],
    [8 * MIB, 1, "p1"],
    [264 * MIB - 1, 1, "p1"],
    [264 * MIB, 1, "outside of these"],
    [520 * MIB, 1, "slot A"],
    [2568 * MIB, 1, "outside of these"],
  ])("at %i, %i of them, lie in %s", (offset, bytes, region) => {
    const ranges = collectRanges(regions);
    ranges.push(offset, bytes);
    expect(ranges.result()).toEqual([{ region, ranges: [{ offset, bytes }], more: 0 }]);
  });

  it("are cut where a region ends, and told in the order of the disk", () => {
    const ranges = collectRanges(regions);
    ranges.push(8192 - 10, 600);
    expect(ranges.result()).toEqual([
      { region: "boot state, copy 1", ranges: [{ offset: 8192, bytes: 512 }], more: 0 },
      {
        region: "outside of these",
        ranges: [
          { offset: 8182, bytes: 10 },
          { offset: 8704, bytes: 78 },
        ],
        more: 0,
      },
    ]);
  });

  it("are counted where there are too many to keep", () => {
    const ranges = collectRanges(regions, 2);
    for (const offset of [0, 100, 200, 300, 8 * MIB]) ranges.push(offset, 1);
    expect(ranges.result().map(({ region, ranges: kept, more }) => [region, kept.length, more])).toEqual([
      ["partition table", 2, 2],
      ["p1", 1, 0],
    ]);
  });

  it("are all kept, each once, wherever they lie", () => {
    const range = fc.tuple(fc.integer({ min: 0, max: 600 * MIB }), fc.integer({ min: 1, max: 300 * MIB }));
    fc.assert(
      fc.property(range, ([offset, bytes]) => {
        const ranges = collectRanges(regions);
        ranges.push(offset, bytes);
        const parts = ranges.result().flatMap((region) => region.ranges);
        parts.sort((a, b) => a.offset - b.offset);
        let at = offset;
        for (const part of parts) {
          expect(part.offset).toBe(at);
          at += part.bytes;
        }
        expect(at).toBe(offset + bytes);
      }),
    );
  });
});

describe("an image's inventory", () => {
  const inventory = (more: Partial<Inventory> = {}): Inventory => ({
    packages: new Map([["curl:arm64", { version: "1" }]]),
    paths: new Map([["/etc/hosts", { content: "1" }]]),
    boot: new Map([["config.txt", { content: "1" }]]),
    disk: new Map([
      ["boot state, copy 1", { BOOT_ORDER: "A" }],
      ["boot state, copy 2", { BOOT_ORDER: "A" }],
      ["partition table, partition 1", { start: "8388608" }],
      ["slot A, file system", { uuid: "1" }],
    ]),
    ...more,
  });
  const everywhere = ["partition table", "boot state, copy 1", "boot state, copy 2", "p1", "slot A"].map(
    (region, at) => ({ region, ranges: [{ offset: at, bytes: 1 }], more: 0 }),
  );
  const unexplained = (more: Partial<Inventory>) =>
    compareInventories(inventory(), inventory(more), everywhere).bytes.map(({ region }) => region);
  const without = (...regionNames: string[]) =>
    everywhere.map(({ region }) => region).filter((region) => !regionNames.includes(region));

  it.each<[string, Partial<Inventory>, string[]]>([
    ["nothing", {}, without()],
    ["a path", { paths: new Map() }, without("slot A")],
    ["a file of p1", { boot: new Map() }, without("p1")],
    [
      "one copy of the boot state",
      { disk: new Map(inventory().disk).set("boot state, copy 2", { BOOT_ORDER: "B" }) },
      without("boot state, copy 2"),
    ],
    [
      "a partition",
      { disk: new Map(inventory().disk).set("partition table, partition 1", { start: "0" }) },
      without("partition table"),
    ],
    [
      "the file system",
      { disk: new Map(inventory().disk).set("slot A, file system", { uuid: "2" }) },
      without("slot A"),
    ],
    ["a package that no path shows", { packages: new Map() }, without()],
  ])("with a difference in %s leaves other bytes unexplained", (_, more, expected) => {
    expect(unexplained(more)).toEqual(expected);
  });

  it("compared has the form its schema says", () => {
    const compared = compareInventories(inventory(), inventory({ paths: new Map() }), everywhere);
    const images = [
      { name: "a.img", bytes: 1 },
      { name: "b.img", bytes: 1 },
    ];
    const diff = { version: 1, equal: false, images, ...compared };
    expect(imageDiffSchema.parse(JSON.parse(JSON.stringify(diff)))).toEqual(diff);
  });
});
