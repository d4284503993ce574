import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOpen, nextOpening, parseWindow, type Window } from "../../../lib/manifest/client/window.ts";

const windowOf = (text: string): Window => {
  const window = parseWindow(text);
  if (window === undefined) throw new Error(text);
  return window;
};
const at = Date.parse;

describe("an update window", () => {
  it.each([
    ["02:00-05:00 Europe/London", "2026-07-01T01:00:00Z", true],
    ["02:00-05:00 Europe/London", "2026-07-01T04:00:00Z", false],
    ["02:00-05:00 Europe/London", "2026-12-01T01:59:59Z", false],
    ["02:00-05:00 Europe/London", "2026-12-01T02:00:00Z", true],
    ["23:00-01:00 UTC", "2026-12-01T00:30:00Z", true],
    ["23:00-01:00 UTC", "2026-12-01T01:00:00Z", false],
    ["00:00-06:00 Asia/Kolkata", "2026-12-01T18:30:00Z", true],
  ])("%s at %s: open is %s", (text, time, open) => {
    expect(isOpen(windowOf(text), at(time))).toBe(open);
  });

  it.each([
    ["02:00-05:00 UTC", "2026-12-01T05:00:30Z", "2026-12-02T02:00:00Z"],
    ["02:00-05:00 UTC", "2026-12-01T01:59:30Z", "2026-12-01T02:00:00Z"],
    // Summer time begins: the clock goes from 01:00 to 02:00, and back from 02:00 to 01:00.
    ["01:15-03:00 Europe/London", "2027-03-27T12:00:00Z", "2027-03-28T01:00:00Z"],
    ["01:15-03:00 Europe/London", "2027-10-30T12:00:00Z", "2027-10-31T00:15:00Z"],
    // A window that a year's shortest day leaves out altogether is open a day later.
    ["01:15-01:45 Europe/London", "2027-03-27T12:00:00Z", "2027-03-29T00:15:00Z"],
  ])("%s, closed at %s, opens at %s", (text, time, opens) => {
    expect(new Date(nextOpening(windowOf(text), at(time))).toISOString()).toBe(opens.replace("Z", ".000Z"));
  });

  it("opens within two days, whatever the time", () => {
    const zone = fc.constantFrom("UTC", "Europe/London", "Australia/Lord_Howe", "America/St_Johns");
    const text = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 22 }), zone);
    const moment = fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2028-01-01T00:00:00Z") });
    fc.assert(
      fc.property(text, moment, ([from, more, zone], now) => {
        const two = (hour: number): string => `${String(hour % 24).padStart(2, "0")}:00`;
        const window = windowOf(`${two(from)}-${two(from + more + 1)} ${zone}`);
        const opens = nextOpening(window, now);
        return isOpen(window, opens) && opens >= now && opens - now <= 2 * 86_400_000;
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    "2:00-5:00 UTC",
    "02:00-02:00 UTC",
    "02:00-25:00 UTC",
    "02:00-05:00 Moon/Base",
    "",
    "02:00-05:00",
  ])("is none: %j", (text) => expect(parseWindow(text)).toBeUndefined());
});
