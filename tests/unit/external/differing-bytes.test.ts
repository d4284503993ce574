import { writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareBytes } from "../../../lib/external/differing-bytes.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();
const MIB = 1024 ** 2;

async function compare(a: Uint8Array, b: Uint8Array) {
  writeFileSync(scratch.join("a"), a);
  writeFileSync(scratch.join("b"), b);
  const ranges: [number, number][] = [];
  const equal = await compareBytes(scratch.join("a"), scratch.join("b"), {
    onRange: (offset, bytes) => ranges.push([offset, bytes]),
    signal: new AbortController().signal,
  });
  return { equal, ranges };
}

/** `bytes` zeros, with other bytes at the places given. */
function withBytesAt(bytes: number, ...places: number[]): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (const place of places) buffer[place] = 1;
  return buffer;
}

describe("two files compared byte by byte", () => {
  it.each<[string, number[], [number, number][]]>([
    ["nowhere", [], []],
    ["in the first byte", [0], [[0, 1]]],
    ["in the last byte", [3 * MIB - 1], [[3 * MIB - 1, 1]]],
    ["over the end of a chunk", [MIB - 1, MIB], [[MIB - 1, 2]]],
    ["in places close to each other", [1000, 1500], [[1000, 501]]],
    [
      "in places apart",
      [1000, 1513],
      [
        [1000, 1],
        [1513, 1],
      ],
    ],
  ])("that differ %s", async (_, places, ranges) => {
    const found = await compare(Buffer.alloc(3 * MIB), withBytesAt(3 * MIB, ...places));
    expect(found).toEqual({ equal: places.length === 0, ranges });
  });

  it("differ in what one is longer", async () => {
    expect(await compare(Buffer.alloc(10), Buffer.alloc(2000))).toEqual({
      ...{ equal: false, ranges: [[10, 1990]] },
    });
    expect(await compare(Buffer.alloc(0), Buffer.alloc(0))).toEqual({ equal: true, ranges: [] });
  });

  it("have every differing byte in a range, and ranges begin and end with one", async () => {
    const places = fc.array(fc.integer({ min: 0, max: 2 * MIB - 1 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(places, async (differing) => {
        const { ranges } = await compare(Buffer.alloc(2 * MIB), withBytesAt(2 * MIB, ...differing));
        const inRange = (at: number) => ranges.some(([from, bytes]) => from <= at && at < from + bytes);
        expect(differing.filter((at) => !inRange(at))).toEqual([]);
        for (const [from, bytes] of ranges) {
          expect(differing).toContain(from);
          expect(differing).toContain(from + bytes - 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("are given up when the run is stopped", async () => {
    writeFileSync(scratch.join("a"), "1");
    const signal = AbortSignal.abort(new Error("stopped"));
    const watch = { onRange: () => undefined, signal };
    await expect(compareBytes(scratch.join("a"), scratch.join("a"), watch)).rejects.toThrow("stopped");
  });
});
