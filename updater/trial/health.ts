import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readTextIfPresent } from "../../lib/external/files.ts";
import { ProcessError, type Processes } from "../../lib/external/process.ts";
import { trial as limits } from "../limits.ts";
import type { Health } from "./judge.ts";

const SYSTEMCTL_MS = 30_000;

/** Reached once the node has started; and once all that has a say in it calls the start a good one. */
const START = new Set(["multi-user.target", "boot-complete.target"]);

/** What systemctl lists, in columns. */
async function listed(processes: Processes, ...asked: readonly string[]): Promise<readonly string[][]> {
  const argv = ["systemctl", "--no-legend", "--plain", ...asked] as const;
  const { stdout } = await processes.run({ argv: [...argv], timeoutMs: SYSTEMCTL_MS });
  const rows = stdout.split("\n").filter((line) => line.trim() !== "");
  return rows.map((line) => line.trim().split(/\s+/));
}

/**
 * Units that have failed, that fail again and again and wait for their next start, or that the start of the node still
 * waits for: many may start for as long as they like, and hold up all that comes after them. Sorted.
 */
export async function failedUnits(processes: Processes): Promise<readonly string[]> {
  const units = await listed(processes, "list-units", "--state=failed,auto-restart", "--all");
  const jobs = await listed(processes, "list-jobs");
  const starts = jobs.some(([, unit = ""]) => START.has(unit));
  const held = starts ? jobs.filter(([, , , state]) => state === "running").map(([, unit = ""]) => unit) : [];
  return [...units.map(([unit = ""]) => unit), ...held].sort();
}

/** What the unit that checks the units of every slot says; `says` is where it writes down what is wrong. */
export async function gateUnit(processes: Processes, unit: string, says: string): Promise<Health["gate"]> {
  const { stdout } = await processes.run({
    argv: ["systemctl", "is-active", unit],
    timeoutMs: SYSTEMCTL_MS,
    // inactive and failed have exit codes of their own.
    accept: [0, 1, 2, 3, 4],
  });
  const state = stdout.trim();
  if (state === "active") return "well";
  if (state !== "failed") return "pending";
  const why = (await readTextIfPresent(says).catch(() => undefined))?.trim() ?? "";
  return `${unit} failed: ${why === "" ? "a unit every slot needs does not run" : why}`;
}

/**
 * Runs the executables of a folder one after the other, by name, each with a time limit; k3s and others put theirs
 * there. One that ends with something else than 0 says why on its last line. `leftMs`: the time that is left for all of
 * them, in milliseconds; for what comes after that there is none.
 */
export async function runChecks(
  processes: Processes,
  folder: string,
  leftMs: () => number,
  timeoutMs: number = limits.checkMs,
): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(() => [] as string[]))
    .filter((name) => !name.startsWith("."))
    .sort();
  const problems: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!runs) continue;
    const left = leftMs();
    if (left <= 0) {
      problems.push(`${name} was not run: the time was up`);
      continue;
    }
    try {
      await processes.run({ argv: [path], name, timeoutMs: Math.min(timeoutMs, left), graceMs: 2_000 });
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      problems.push(
        [error.message, error.details.at(-1)].filter((part) => part !== undefined && part !== "").join(": "),
      );
    }
  }
  return problems;
}
