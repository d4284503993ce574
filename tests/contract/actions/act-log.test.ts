import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseActLog } from "../../../workbench/act-log.ts";
import { whyFailed } from "../../../workbench/why-failed.ts";

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

test("a job of a matrix is not failed because another one is, which act says of it", () => {
  const job = (id: string, more: object): string =>
    JSON.stringify({ jobID: "image", matrix: { id }, msg: "", ...more });
  const { jobs } = parseActLog([
    job("b-x", { stage: "Main", stepID: ["0"], stepResult: "failure" }),
    job("b-x", { jobResult: "failure" }),
    job("a-x", { jobResult: "failure" }),
  ]);
  expect(jobs.map(({ matrix, result }) => [matrix.id, result])).toEqual([
    ["b-x", "failure"],
    ["a-x", "success"],
  ]);
});

describe("why a run failed", () => {
  const image = { jobID: "image", matrix: { id: "a-x" }, stage: "Main", step: "./actions/b", stepID: ["b"] };
  const later = { jobID: "all-green", stage: "Main", step: "every job\nis", stepID: ["0"] };
  const printed = (text: string) => ({ ...image, raw_output: true, msg: `${text}\n` });
  const end = { ...image, stepResult: "failure", msg: "  ❌  Failure" };
  const afterwards = [
    { ...later, raw_output: true, msg: "compile: success, image: failure" },
    { ...later, stepResult: "failure", msg: "  ❌  Failure" },
  ];
  const why = (...lines: readonly object[]): string =>
    whyFailed(parseActLog(lines.map((line) => JSON.stringify(line))));

  test("is the step that failed first, and what it annotated as errors", () => {
    const error = {
      ...{ ...image, command: "error", msg: "  ❗" },
      arg: "the archive changed while it was read\n  run the same command again",
    };
    const warning = { ...image, command: "warning", arg: "not this", msg: "" };
    const other = { ...error, jobID: "other", arg: "of a job that goes on" };
    expect(why(printed("much"), other, warning, error, printed("else"), end, ...afterwards)).toBe(
      "image a-x: b: the archive changed while it was read | run the same command again",
    );
  });

  test("is the step that failed first, and the last it printed, where it annotated nothing", () => {
    const lines = Array.from({ length: 20 }, (_, at) => printed(`line ${at}`));
    const beside = { ...printed("of another job"), matrix: { id: "b-x" } };
    expect(why(...lines, beside, end, ...afterwards)).toBe(
      "image a-x: b: line 14 | line 15 | line 16 | line 17 | line 18 | line 19",
    );
    expect(why(end)).toBe("image a-x: b: it said nothing");
  });

  test("is the end of the log where no step failed: act itself refused something", () => {
    expect(why({ msg: "workflow is not valid. 'x.yml': Line: 3\n" })).toBe(
      "act: workflow is not valid. 'x.yml': Line: 3",
    );
  });
});
