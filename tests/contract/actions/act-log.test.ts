import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseActLog, whyFailed } from "../../../workbench/act-log.ts";

test("reads jobs, outputs, annotations and summaries from a recorded log of act", async () => {
  const log = await readFile(join(import.meta.dirname, "fixtures", "act-0.2.89.jsonl"), "utf8");
  const run = parseActLog(["time=now level=info", '{"torn', ...log.split("\n")]);
  expect(run.jobs).toEqual([
    { job: "compile", matrix: {}, result: "success" },
    { job: "image", matrix: { id: "a-x" }, result: "success" },
    { job: "all-green", matrix: {}, result: "success" },
  ]);
  expect(run.outputs).toEqual({ "compile.a.any": "true", "compile.a.matrix": '{"include":[{"id":"a-x"}]}' });
  expect(run.annotations).toEqual([
    { level: "error", text: "bad", file: "cluster.yaml", line: 3, column: 7 },
    { level: "warning", text: "bad", file: "cluster.yaml", line: 3, column: 7 },
  ]);
  expect(run.summaries).toEqual(["# hi\n"]);
  expect(run.log).toContain("all-green: success success");
});

describe("why a run failed", () => {
  const annotation = { level: "error", file: undefined, line: undefined, column: undefined } as const;
  test("is what its steps annotated as errors, on one line", () => {
    const annotations = [
      { ...annotation, text: "the archive changed while it was read\n  run the same command again" },
      { ...annotation, level: "warning" as const, text: "not this" },
    ];
    expect(whyFailed({ annotations, log: "much\nelse" })).toBe(
      "the archive changed while it was read | run the same command again",
    );
  });

  test("is the end of the log where nothing was annotated", () => {
    const log = Array.from({ length: 20 }, (_, at) => `line ${at}`).join("\n");
    expect(whyFailed({ annotations: [], log })).toBe(
      "line 14 | line 15 | line 16 | line 17 | line 18 | line 19",
    );
  });
});
