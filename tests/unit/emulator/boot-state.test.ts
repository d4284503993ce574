import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBootState, encodeBootState, withChecksum } from "../../../lib/emulator/boot-state.ts";

const state = { BOOT_ORDER: "A", BOOT_A_LEFT: "3", BOOT_B_LEFT: "0", FRESH: "1", CONTRACT: "1" };

describe("decodeBootState", () => {
  it("reads a sector made by mkenvimage -s 512", () => {
    // The first bytes; the rest is 0xff.
    const head =
      "31b7ac4b424f4f545f4f524445523d4100424f4f545f415f4c4546543d3300424f4f545f425f4c4546543d300046524553483d3100434f4e54524143543d310000";
    const sector = Buffer.alloc(512, 0xff);
    Buffer.from(head, "hex").copy(sector);
    expect(decodeBootState(sector)).toEqual(state);
  });

  it("takes no sector with a changed byte", () => {
    fc.assert(
      fc.property(fc.nat({ max: 511 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const sector = encodeBootState(state);
        sector[at] = (sector[at] ?? 0) ^ flip;
        expect(decodeBootState(sector)).toBeUndefined();
      }),
    );
  });

  it("takes neither zeroes nor a short sector", () => {
    expect(decodeBootState(Buffer.alloc(512))).toBeUndefined();
    expect(decodeBootState(encodeBootState(state).subarray(0, 511))).toBeUndefined();
  });
});

describe("encodeBootState", () => {
  it("is read back as it was written", () => {
    expect(decodeBootState(encodeBootState(state))).toEqual(state);
  });

  it("refuses what a copy cannot hold, to the byte", () => {
    const room = 508 - "X=".length - 2;
    expect(decodeBootState(encodeBootState({ X: "1".repeat(room) }))?.X).toHaveLength(room);
    expect(() => encodeBootState({ X: "1".repeat(room + 1) })).toThrow("509 bytes does not fit into 508");
  });
});

describe("withChecksum", () => {
  it("makes any bytes valid and leaves all but the checksum", () => {
    const sector = new Uint8Array(512).fill(0x41);
    const valid = withChecksum(sector);
    expect(decodeBootState(sector)).toBeUndefined();
    expect(decodeBootState(valid)).toEqual({});
    expect(valid.subarray(4)).toEqual(sector.subarray(4));
  });
});
