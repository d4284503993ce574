import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { durationsIn, withDurations } from "../../../lib/progress/durations.ts";
import { plainReporter } from "../../../lib/progress/plain.ts";
import { recorder } from "./recorder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "durations-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("durations", () => {
  test("a second run expects what the first one took", async () => {
    const file = join(folder, "durations.json");
    for (const expected of ["[   0.0 s] base ...", "[   0.0 s] base ... (usually 1m 30s)"]) {
      const output = recorder();
      const plain = plainReporter({ write: output.write, now: output.now, verbose: false });
      const reporter = withDurations(plain, durationsIn(file), output.now);
      await reporter.step("base", {}, async () => output.pass(90_000));
      expect(output.lines()[0]).toBe(expected);
    }
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ base: 90_000 });
    expect(await readdir(folder)).toEqual(["durations.json"]);
  });

  test("a step that failed or found its work done leaves the known time alone", async () => {
    const durations = durationsIn(join(folder, "durations.json"));
    await durations.record("base", 90_000);
    const output = recorder();
    const plain = plainReporter({ write: output.write, now: output.now, verbose: false });
    const reporter = withDurations(plain, durations, output.now);
    await reporter.step("base", {}, async () => output.pass(4));
    const failing = reporter.step("base", {}, async () => {
      output.pass(50_000);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await durations.expected("base")).toBe(90_000);
  });

  test("steps that end at the same time are all remembered", async () => {
    const durations = durationsIn(join(folder, "durations.json"));
    await Promise.all(["a", "b", "c"].map((title, at) => durations.record(title, 2_000 + at)));
    expect(await Promise.all(["a", "b", "c"].map((title) => durations.expected(title)))).toEqual([
      2_000, 2_001, 2_002,
    ]);
  });

  test.each(["{", "[]", '{"base":"long"}'])("a file with %j is as good as none", async (content) => {
    await writeFile(join(folder, "durations.json"), content);
    expect(await durationsIn(join(folder, "durations.json")).expected("base")).toBeUndefined();
  });

  test("a place that cannot be written does not fail the step", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(
      durationsIn(join(folder, "file", "durations.json")).record("base", 5_000),
    ).resolves.toBeUndefined();
  });
});
