import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBootState } from "../../../lib/emulator/boot-state.ts";
import { encodeBootState } from "../../image/stand-in-image.ts";

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
        sector.writeUInt8(sector.readUInt8(at) ^ flip, at);
        expect(decodeBootState(sector)).toBeUndefined();
      }),
    );
  });

  it("takes neither zeroes nor a short sector", () => {
    expect(decodeBootState(Buffer.alloc(512))).toBeUndefined();
    expect(decodeBootState(encodeBootState(state).subarray(0, 511))).toBeUndefined();
  });
});
