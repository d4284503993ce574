import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOpen, parseWindow } from "../../../lib/manifest/client/window.ts";
import { shiftIntoWindow } from "../../../lib/rehearsal/node-time.ts";

const WINDOW = "02:00-05:00 Europe/London";
const at = (text: string): number => Date.parse(text);

describe("shiftIntoWindow", () => {
  it.each([
    ["an afternoon", "2026-11-26T14:00:00Z", 12 * 60 + 5],
    ["summer time, an hour ahead of UTC", "2026-07-01T14:00:00Z", 11 * 60 + 5],
    ["the window itself", "2026-11-26T03:00:00Z", 0],
  ])("%s", (_, now, minutes) => {
    expect(shiftIntoWindow(WINDOW, at(now)) / 60_000).toBe(minutes);
  });

  it("is nothing where a node may restart at any time", () => {
    expect(shiftIntoWindow(undefined, at("2026-11-26T14:00:00Z"))).toBe(0);
  });

  it("always ends in the window, and never goes a whole day ahead, which clocks may not differ", () => {
    const window = parseWindow(WINDOW);
    if (window === undefined) throw new Error("no window");
    fc.assert(
      fc.property(fc.integer({ min: 1_767_225_600, max: 1_830_297_600 }), (seconds) => {
        const shift = shiftIntoWindow(WINDOW, seconds * 1000);
        expect(isOpen(window, seconds * 1000 + shift)).toBe(true);
        expect(shift).toBeLessThan(24 * 3_600_000);
      }),
      { numRuns: 200 },
    );
  });
});
