import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRuns, stretchesOf } from "../../../lib/diff/extents.ts";

const run = (logical: number, physical: number, blocks: number) => ({ logical, physical, blocks });

describe("where debugfs says that a file lies", () => {
  it.each([
    ["", []],
    ["(0):824", [run(0, 824, 1)]],
    ["(0-3):100-103, (5):900", [run(0, 100, 4), run(5, 900, 1)]],
    ["(ETB0):7, (0-1):8-9", [run(0, 8, 2)]],
    ["(0-1):8-9, (2-5[u]):10-13, (6[u]):14", [run(0, 8, 2)]],
    ["(IND):30, (12-13):31-32, (0-11):1-12", [run(0, 1, 12), run(12, 31, 2)]],
    ["(0-3):100-103, (what)", undefined],
    ["TOTAL: 3", undefined],
  ])("%s", (text, runs) => expect(parseRuns(text)).toEqual(runs));
});

describe("the stretches of a file", () => {
  it.each([
    ["none where it is empty", [run(0, 5, 1)], 0, []],
    ["the part of a block it reaches into", [run(0, 5, 1)], 100, [{ at: 5 * 4096, bytes: 100 }]],
    [
      "zeros in front, between and behind",
      [run(1, 7, 1), run(3, 9, 1)],
      6 * 4096,
      [
        { at: undefined, bytes: 4096 },
        { at: 7 * 4096, bytes: 4096 },
        { at: undefined, bytes: 4096 },
        { at: 9 * 4096, bytes: 4096 },
        { at: undefined, bytes: 2 * 4096 },
      ],
    ],
    ["nothing of blocks beyond its end", [run(0, 5, 1), run(1, 6, 4)], 4096, [{ at: 5 * 4096, bytes: 4096 }]],
  ])("are %s", (_, runs, size, expected) => expect(stretchesOf(runs, size, 4096)).toEqual(expected));

  it("are as long as the file, whatever its runs", () => {
    const lengths = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 9 })), { maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.nat(1_000_000), (gaps, size) => {
        let logical = 0;
        const runs = gaps.map(([gap, blocks]) => {
          const made = run(logical + gap, 3, blocks);
          logical += gap + blocks;
          return made;
        });
        const stretches = stretchesOf(runs, size, 4096);
        expect(stretches.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(size);
        expect(stretches.every(({ bytes }) => bytes > 0)).toBe(true);
      }),
    );
  });
});
