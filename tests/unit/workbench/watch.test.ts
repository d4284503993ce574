import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { watchRun } from "../../../workbench/local/watch.ts";

const recorded = await readFile(
  join(import.meta.dirname, "..", "..", "contract", "actions", "fixtures", "act-0.2.89.jsonl"),
  "utf8",
);
const image = { jobID: "image", matrix: { board: "rpi-arm64", id: "agent-rpi-arm64" } };
const line = (seconds: number, more: object): string =>
  JSON.stringify({ ...image, time: new Date(seconds * 1000).toISOString(), msg: "", ...more });

describe("a run that is watched", () => {
  test("tells steps and jobs of a recorded log, and nothing of what is for the log only", () => {
    const watch = watchRun();
    const told = recorded
      .split("\n")
      .map((one) => watch.take(one))
      .filter((one) => one !== undefined);
    expect(told.slice(0, 7)).toEqual([
      "compile: actions/checkout ...",
      "compile: actions/checkout done in 7ms",
      "compile: a ...",
      "compile: a: base",
      "compile: error: bad",
      "compile: warning: bad",
      "compile: a done in 39ms",
    ]);
    expect(told).toContain("image a-x: success");
    expect(told.join("\n")).not.toContain("SUMMARY");
    expect(watch.jobs().map(({ name, result }) => `${name}: ${result}`)).toEqual([
      ...["compile: success", "image a-x: success", "all-green: success"],
    ]);
  });

  test("keeps how long each job took, beside one that runs at the same time", () => {
    const watch = watchRun();
    const server = { matrix: { id: "server-rpi-arm64" } };
    watch.take(line(100, { msg: "⭐ Run Set up job" }));
    watch.take(line(101, server));
    watch.take(line(163, { jobResult: "success" }));
    watch.take(line(189, { ...server, stage: "Main", stepResult: "failure" }));
    watch.take(line(190, { ...server, jobResult: "failure" }));
    expect(watch.jobs()).toEqual([
      { name: "image agent-rpi-arm64", result: "success", durationMs: 63_000 },
      { name: "image server-rpi-arm64", result: "failure", durationMs: 89_000 },
    ]);
  });

  test("says of a job what it did itself: in a matrix act calls the others failed, too", () => {
    const watch = watchRun();
    const server = { matrix: { id: "server-rpi-arm64" } };
    watch.take(line(1, { ...server, stage: "Main", stepResult: "failure" }));
    expect(watch.take(line(2, { ...server, jobResult: "failure" }))).toBe("image server-rpi-arm64: failure");
    watch.take(line(3, { stage: "Main", stepResult: "success" }));
    expect(watch.take(line(3, { jobResult: "failure" }))).toBe("image agent-rpi-arm64: success");
    expect(watch.jobs().map(({ result }) => result)).toEqual(["failure", "success"]);
  });

  test("tells a job of a called workflow from one of the same name in its caller", () => {
    const watch = watchRun();
    watch.take(line(1, { job: "rebuild.yml/image  ", jobResult: "success" }));
    watch.take(line(2, { job: "release/release.yml/image-1", jobResult: "success" }));
    expect(watch.jobs().map(({ name }) => name)).toEqual([
      ...["image agent-rpi-arm64", "release / image agent-rpi-arm64"],
    ]);
  });

  test("says of a job that was cut off that it has no result", () => {
    const watch = watchRun();
    watch.take(line(100, {}));
    expect(watch.jobs()).toEqual([{ name: "image agent-rpi-arm64", result: undefined, durationMs: 0 }]);
  });

  test("tells a step that failed, and tidying only where that fails", () => {
    const watch = watchRun();
    const step = { step: "./actions/boot-image", executionTime: 61e9 };
    expect(watch.take(line(1, { ...step, stage: "Main", stepResult: "failure" }))).toBe(
      "image agent-rpi-arm64: boot-image failed after 1m 1s",
    );
    expect(watch.take(line(1, { ...step, stage: "Post", stepResult: "success" }))).toBeUndefined();
    expect(watch.take(line(1, { ...step, stage: "Post", stepResult: "failure" }))).toBe(
      "image agent-rpi-arm64: boot-image, tidying up failed after 1m 1s",
    );
  });

  test("has the tools' own output for those who want it, and takes no rubbish", () => {
    const watch = watchRun();
    const text = line(1, { raw_output: true, msg: "TASK [copy]\n" });
    expect([watch.take(text), watch.output(text)]).toEqual([undefined, "image agent-rpi-arm64: TASK [copy]"]);
    for (const rubbish of ["", '{"torn', "time=now", "{}", "null"]) {
      expect([watch.take(rubbish), watch.output(rubbish)]).toEqual([undefined, undefined]);
    }
  });
});
