import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { processes } from "../../../lib/external/process.ts";
import { gateUnit, runChecks } from "../../../updater/trial/health.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "health-d-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
function check(name: string, body: string, mode = 0o755): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, name), mode);
}

it("runs every check of a folder, and says which failed and why", async () => {
  check("10-good", "exit 0");
  check("20-bad", "echo looking >&2; echo the node is not Ready >&2; exit 3");
  check("30-hangs", "trap '' TERM; sleep 60");
  check("40-no-program", "exit 1", 0o644);
  check(".hidden", "exit 1");
  const problems = await runChecks(processes, folder, () => 60_000, 300);
  expect(problems).toEqual(["20-bad ended with 3: the node is not Ready", "30-hangs took longer than 0 s"]);
});

it("gives the last check the time that is left, and says of the rest that there was none", async () => {
  check("10-hangs", "trap '' TERM; sleep 60");
  check("20-good", "exit 0");
  const until = Date.now() + 300;
  const problems = await runChecks(processes, folder, () => until - Date.now());
  expect(problems).toEqual(["10-hangs took longer than 0 s", "20-good was not run: the time was up"]);
});

it("finds nothing wrong where there is no folder", async () => {
  expect(await runChecks(processes, join(folder, "none"), () => 60_000)).toEqual([]);
});

it.each([
  ["active", undefined, "well"],
  ["activating", undefined, "pending"],
  [
    "failed",
    "not running: broken.service (failed)\n",
    "gate.service failed: not running: broken.service (failed)",
  ],
  ["failed", undefined, "gate.service failed: a unit every slot needs does not run"],
])("takes the gate's unit for what it is: %s, %s", async (state, says, expected) => {
  const file = join(folder, "says");
  if (says !== undefined) writeFileSync(file, says);
  const answering = {
    ...processes,
    run: async () => ({ stdout: `${state}\n`, stderr: "", exitCode: 0, durationMs: 0 }),
  };
  expect(await gateUnit(answering, "gate.service", file)).toBe(expected);
});
