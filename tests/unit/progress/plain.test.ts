import { describe, expect, test } from "vitest";
import { Failure } from "../../../lib/failure.ts";
import { plainReporter } from "../../../lib/progress/plain.ts";
import { TAIL_LINES } from "../../../lib/progress/tracker.ts";
import { recorder } from "./recorder.ts";

class ToolFailure extends Failure<"EXIT"> {
  readonly area = "test";
}

function plain(verbose = false, everyMs = 60_000) {
  const output = recorder();
  return { output, reporter: plainReporter({ write: output.write, now: output.now, verbose, everyMs }) };
}

describe("plain reporter", () => {
  test("says when a step starts, how long it usually takes, and how long it took", async () => {
    const { output, reporter } = plain();
    output.pass(12_300);
    const result = await reporter.step("base", { expectedMs: 90_000 }, async (step) => {
      step.line("Get:1 trixie InRelease");
      output.pass(95_000);
      return 7;
    });
    expect(result).toBe(7);
    expect(output.lines()).toEqual([
      "[  12.3 s] base ... (usually 1m 30s)",
      "[ 107.3 s] base done in 1m 35s",
    ]);
  });

  test("shows every line of output with verbose, and does not repeat it on failure", async () => {
    const { output, reporter } = plain(true);
    const failing = reporter.step("base", {}, async (step) => {
      step.line("one");
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(output.lines()).toEqual(["[   0.0 s] base ...", "    one", "[   0.0 s] base failed after 0ms"]);
  });

  test("shows the last lines of output when a step fails, once, however many steps it passes through", async () => {
    const { output, reporter } = plain();
    const failing = reporter.step("outer", {}, async (outer) => {
      outer.line("outer output");
      await reporter.step("inner", {}, async (inner) => {
        for (let line = 1; line <= TAIL_LINES + 5; line += 1) inner.line(`line ${line}`);
        throw new Error("no");
      });
    });
    await expect(failing).rejects.toThrow("no");
    const shown = output.lines().filter((line) => line.startsWith("    "));
    expect(shown).toHaveLength(TAIL_LINES);
    expect(shown[0]).toBe("    line 6");
  });

  test("leaves the output to a failure that carries it itself", async () => {
    const { output, reporter } = plain();
    const failing = reporter.step("base", {}, async (step) => {
      step.line("E: no space left");
      throw new ToolFailure("EXIT", "apt ended with 100", { details: ["E: no space left"] });
    });
    await expect(failing).rejects.toThrow("apt");
    expect(output.lines().join("\n")).not.toContain("no space left");
  });

  test("says from time to time that a long step still runs, and what it does", async () => {
    const { output, reporter } = plain(false, 5);
    await reporter.step("tree", { expectedMs: 60_000 }, async (step) => {
      step.update("task 3 of 12", 0.25);
      output.pass(30_000);
      await expect.poll(() => output.lines().length).toBeGreaterThan(1);
    });
    expect(output.lines()[1]).toBe("[  30.0 s] tree: 30s of about 1m, 25 %, task 3 of 12");
  });

  test("puts the place before a message", () => {
    const { output, reporter } = plain();
    reporter.info("two builds");
    reporter.warn("no snapshot", { file: "cluster.yaml", line: 3, column: 1 });
    reporter.error("unknown board", { file: "cluster.yaml", line: 9 });
    expect(output.lines()).toEqual([
      "[   0.0 s] two builds",
      "[   0.0 s] cluster.yaml:3:1: warning: no snapshot",
      "[   0.0 s] cluster.yaml:9: error: unknown board",
    ]);
  });
});
