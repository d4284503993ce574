import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Processes, processes } from "../../../lib/external/process.ts";
import { failedUnits, gateUnit, runChecks } from "../../../updater/trial/health.ts";

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

describe("units that are not well", () => {
  const listing = (units: string, jobs: string) => {
    const run: Processes["run"] = async ({ argv }) => ({
      ...{ exitCode: 0, stderr: "", durationMs: 0 },
      stdout: argv.includes("list-jobs") ? jobs : units,
    });
    return { ...processes, run };
  };
  const FAILED = "k3s.service loaded failed failed Lightweight Kubernetes\n";
  const starting = (unit: string, state: string) => `  12 ${unit} start ${state}\n`;

  it("are those that failed, and those the start of the node still waits for", async () => {
    const jobs = [
      starting("hanging.service", "running"),
      starting("multi-user.target", "waiting"),
      starting("late.service", "waiting"),
    ].join("");
    expect(await failedUnits(listing(FAILED, jobs))).toEqual(["hanging.service", "k3s.service"]);
  });

  it("are those of the gate beside ours", async () => {
    const jobs = `${starting("my-gate.service", "running")}${starting("boot-complete.target", "waiting")}`;
    expect(await failedUnits(listing("", jobs))).toEqual(["my-gate.service"]);
  });

  it("are not those that a timer started since", async () => {
    expect(await failedUnits(listing(FAILED, starting("fstrim.service", "running")))).toEqual([
      "k3s.service",
    ]);
    expect(await failedUnits(listing("", ""))).toEqual([]);
  });
});
