import { describe, expect, test } from "vitest";
import { failedTask, playbookError } from "../../../lib/image/provision/ansible-output.ts";

const header = (name: string): string => `TASK [${name}] ${"*".repeat(20)}`;

describe("failedTask", () => {
  test("names role, task, item, host and what was printed", () => {
    const lines = [
      header("node : Copy"),
      "changed: [default]",
      header("node : Enable the units"),
      "Origin: /p/roles/node/tasks/main.yml:12:3",
      'failed: [default] (item=a.service) => {"msg": "no such unit", "stdout": "one\\ntwo\\n", "stderr": "three"}',
    ];
    expect(failedTask(lines)).toEqual({
      name: "node : Enable the units",
      host: "default",
      message: "(item=a.service) no such unit",
      place: { file: "/p/roles/node/tasks/main.yml", line: 12, column: 3 },
      output: ["one", "two", "three"],
    });
  });

  test("a failure that was ignored is not the one", () => {
    const ignored = [header("First"), 'fatal: [default]: FAILED! => {"msg": "one"}', "...ignoring"];
    expect(failedTask(ignored)).toBeUndefined();
    const later = [...ignored, header("Second"), 'fatal: [default]: FAILED! => {"msg": "two"}'];
    expect(failedTask(later)).toMatchObject({ name: "Second", message: "two" });
    const before = [header("Zero"), 'fatal: [default]: FAILED! => {"msg": "zero"}', ...ignored];
    expect(failedTask(before)).toMatchObject({ name: "Zero", message: "zero" });
  });

  test("a handler, an unreachable host and a result that is no JSON", () => {
    const handler = [
      "RUNNING HANDLER [node : reload] ***",
      'fatal: [default]: UNREACHABLE! => {"msg": "gone"}',
    ];
    expect(failedTask(handler)).toMatchObject({ name: "node : reload", message: "gone" });
    const broken = [header("Odd"), "fatal: [default]: FAILED! => {cut"];
    expect(failedTask(broken)).toMatchObject({ name: "Odd", message: "{cut", output: [] });
  });

  test("nothing where nothing failed", () => {
    expect(failedTask([header("Fine"), "ok: [default]"])).toBeUndefined();
  });
});

describe("playbookError", () => {
  test("text and place of what kept the play from starting", () => {
    const lines = ["[ERROR]: YAML parsing failed: Did not find expected key.", "Origin: /p/site.yml:3:5"];
    expect(playbookError(lines)).toEqual({
      message: "YAML parsing failed: Did not find expected key.",
      place: { file: "/p/site.yml", line: 3, column: 5 },
    });
    const older = [
      "ERROR! conflicting action",
      "The error appears to be in '/p/a.yml': line 2, column 7, but may",
    ];
    expect(playbookError(older)?.place).toEqual({ file: "/p/a.yml", line: 2, column: 7 });
    expect(playbookError(["PLAY [x]"])).toBeUndefined();
  });
});
