import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { barLine, terminalReporter } from "../../../lib/progress/terminal.ts";
import type { StepState } from "../../../lib/progress/tracker.ts";
import { recorder, terminal } from "./recorder.ts";

const step: StepState = {
  title: "base",
  startedMs: 0,
  expectedMs: 120_000,
  text: "",
  fraction: undefined,
  tail: [],
};

describe("bar", () => {
  test("shows what, how far, elapsed and expected time", () => {
    expect(barLine(step, 30_000, 120)).toBe("base  [=====>              ]   25 %  30s of about 2m");
  });

  test("believes the step before the clock, and says what it does", () => {
    const line = barLine({ ...step, fraction: 0.5, text: "unpacking" }, 30_000, 120);
    expect(line).toBe("base  [==========>         ]   50 %  30s of about 2m  unpacking");
  });

  test("never claims to be finished because the time is up", () => {
    expect(barLine(step, 600_000, 120)).toContain(" 99 %");
  });

  test("shows the last line of output where the step says nothing itself", () => {
    const line = barLine(
      { ...step, expectedMs: undefined, tail: ["a", "\u001b[31mSetting up bash"] },
      1_000,
      120,
    );
    expect(line).toBe("base  1s  Setting up bash");
  });

  test("fits the terminal", () => {
    expect(barLine({ ...step, text: "x".repeat(300) }, 0, 80)).toHaveLength(79);
  });
});

describe("reporter on a terminal", () => {
  test("leaves one line per ended step and every message, in order", async () => {
    const clock = recorder();
    const screen = terminal();
    const reporter = terminalReporter({ stream: screen.stream, now: clock.now });
    await reporter.step("outer", {}, async () => {
      reporter.info("two builds");
      await reporter.step("inner", {}, async () => clock.pass(2_500));
    });
    await reporter
      .step("last", {}, async (last) => {
        last.line("E: no space left");
        throw new Error("no");
      })
      .catch(() => undefined);
    const lines = stripVTControlCharacters(screen.text())
      .split("\n")
      .map((line) => line.trim());
    expect(lines.filter((line) => line !== "")).toEqual([
      "two builds",
      "done  inner  2.5s",
      "done  outer  2.5s",
      "E: no space left",
      "failed  last  0ms",
    ]);
  });
});
