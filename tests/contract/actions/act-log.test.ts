import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseActLog } from "../../../workbench/act-log.ts";

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
