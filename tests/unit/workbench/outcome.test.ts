import { expect, test } from "vitest";
import { failureLines, jobRows, placeRows, uploadWords } from "../../../workbench/local/outcome.ts";
import type { WorkflowRun } from "../../../workbench/local/run.ts";

const run = (more: Partial<WorkflowRun>): WorkflowRun => ({
  ...{
    file: "release.yml",
    succeeded: true,
    durationMs: 1,
    log: "",
    jobs: [],
    annotations: [],
    failures: [],
  },
  ...{ outputs: {}, summaries: [], times: [] },
  ...more,
});

test("the table has the jobs of each workflow, also one without an end", () => {
  const times = [
    { name: "compile", result: "success", durationMs: 3_000 },
    { name: "image agent-rpi-arm64", result: undefined, durationMs: 61_000 },
    { name: "all-green", result: "success", durationMs: 0 },
  ];
  expect(
    jobRows({ runs: [run({ times }), run({ file: "manifest.yml", times: times.slice(0, 1) })] }),
  ).toEqual([
    ["release", "compile", "success", "3s"],
    ["release", "image agent-rpi-arm64", "ended before it was over", "1m 1s"],
    ["release", "all-green", "success", "under 1s"],
    ["manifest", "compile", "success", "3s"],
  ]);
});

test("a workflow that failed says why, on one line", () => {
  const step = { job: "compile", step: "compile-profiles", errors: ["no room\nfix"], lines: [] };
  const failed = run({ succeeded: false, failures: [step] });
  expect(failureLines({ runs: [run({}), failed] })).toEqual([
    "release.yml failed: compile: compile-profiles: no room | fix",
  ]);
});

test("only places that are there are named", () => {
  const there = (path: string): boolean => !path.includes("manifest");
  expect(placeRows("/out", "v1.0.0", there)).toEqual([
    ["release", "/out/store/releases/v1.0.0"],
    ["branch manifest", "/out/repository.git"],
    ["artifacts", "/out/artifacts"],
    ["logs and summaries", "/out/logs"],
  ]);
  expect(placeRows("/out", undefined, () => true).map(([what]) => what)).not.toContain("release");
});

test("uploads are counted", () => {
  expect(uploadWords(new Map())).toBe("nothing");
  expect(
    uploadWords(
      new Map([
        ["a", 1_000_000],
        ["b", 500_000],
      ]),
    ),
  ).toBe("2 files, 1.5 MB");
});
