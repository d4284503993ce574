import { describe, expect, it } from "vitest";
import { verdictOf } from "../../../cli/emulate-demo.ts";
import { castOf } from "../../../lib/external/cast-file.ts";
import { describeStatus, parseStatus } from "../../../lib/rehearsal/follow.ts";
import { drawing, linesOf } from "../../../scripts/draw-demo.ts";

describe("the verdict of a demonstration", () => {
  it("names what ran, what failed, how much was read and how long it took", () => {
    const shown = {
      ...{ committed: ["1.0.0", "1.1.0", "1.3.0"], starts: 5, journal: "", durationMs: 605_000 },
      failed: { version: "v1.2.0", reason: "not running: broken.service (failed)" },
      bundleBytes: { "1.1.0": 2_000_000, "1.2.0": 3_000_000, "1.3.0": 1_000_000 },
      wholeBytes: { "1.0.0": 190_000_000, "1.1.0": 190_000_000, "1.2.0": 190_000_000, "1.3.0": 190_000_000 },
    };
    expect(verdictOf(shown)).toBe(
      "ok: v1.0.0 -> v1.1.0 -> v1.3.0, and back from v1.2.0 without a hand; 6 MB downloaded of 570 MB; 10:05",
    );
  });
});

describe("a recording", () => {
  const cast = castOf(
    [
      { atMs: 0, text: "00:00  <begin>\n" },
      { atMs: 65_500, text: `01:05  ${"long ".repeat(30)}\n` },
    ],
    "title",
    { width: 120, height: 30 },
  );

  it("is one of asciinema's: a head and an event a line, in seconds", () => {
    const [head, first] = cast
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(head).toEqual({ version: 2, width: 120, height: 30, title: "title" });
    expect(first).toEqual([0, "o", "00:00  <begin>\r\n"]);
  });

  it("becomes a picture: each line at its time, long ones folded, nothing of it markup", () => {
    const lines = linesOf(cast);
    expect(lines.map(({ at }) => at)).toEqual([0, 65.5, 65.5]);
    expect(Math.max(...lines.map(({ text }) => text.length))).toBeLessThanOrEqual(118);
    const picture = drawing(lines, "./pi emulate --demo");
    expect(picture).toContain("&lt;begin&gt;");
    expect(picture.match(/<animate /g)).toHaveLength(3);
  });
});

describe("a node's status", () => {
  it("is told on one line, whatever else a newer updater says", () => {
    const text = JSON.stringify({
      ...{ format: 1, running: { buildId: "a".repeat(64), slot: "B" }, committed: false, plan: "nothing" },
      ...{ reason: "v1.1.0 is on trial.", alarm: false, something: "new" },
    });
    expect(describeStatus(parseStatus(text))).toBe(
      "the flashed build in slot B, not committed yet: v1.1.0 is on trial.",
    );
  });
});
