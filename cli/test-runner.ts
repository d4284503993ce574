import { join } from "node:path";
import pc from "picocolors";
import prettyMs from "pretty-ms";
import { OutputTail } from "../lib/external/output-tail.ts";
import { lineSplitter } from "../lib/external/process.ts";
import type { CliContext } from "./context.ts";
import { failureLines } from "./test-failures.ts";
import { chooseGroups, type Door, doors, type TestGroup, testGroups } from "./test-groups.ts";

/** What a person may set for the tests, beside what each group brings. */
const PASSED_ON = ["CI", "NODE_EXTRA_CA_CERTS", "PI_REAL_PACKER_DIR", "PI_TEST_SEED"];

interface GroupResult {
  readonly group: TestGroup;
  readonly ok: boolean;
  readonly durationMs: number;
  /** Of a failed group: what is told again at the end. */
  readonly failures: readonly string[];
}

/** Runs the groups behind a door one after another, all of them, and sums up. Resolves to the exit code. */
export async function runTests(
  wanted: string,
  name: string | undefined,
  context: CliContext,
): Promise<number> {
  const door = doors.find((known) => known === wanted);
  const groups = testGroups(context.cacheDir);
  const chosen = door === undefined ? [] : chooseGroups(groups, door, name);
  if (chosen.length === 0) {
    context.print(
      `no such tests: ${[wanted, name].filter((word) => word !== undefined).join(" ")}\n${listing(groups)}`,
    );
    return 1;
  }
  const results: GroupResult[] = [];
  for (const group of chosen) {
    if (context.world.signal.aborted) break;
    results.push(await runGroup(group, context));
  }
  context.print(summary(results));
  return results.every(({ ok }) => ok) && results.length === chosen.length ? 0 : 1;
}

async function runGroup(group: TestGroup, context: CliContext): Promise<GroupResult> {
  context.print(`\n${pc.bold(`== ${group.name}`)}: ${group.shows}\n`);
  const started = context.world.clock.now();
  const splitter = lineSplitter((line) => context.print(`${line}\n`));
  const output = new OutputTail();
  const child = context.world.processes.start(
    {
      argv: group.argv,
      cwd: context.project,
      env: {
        ...group.env,
        PATH: `${join(process.execPath, "..")}:${process.env.PATH ?? ""}`,
        ...Object.fromEntries(
          PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
        ),
      },
      signal: context.world.signal,
    },
    (chunk) => {
      output.push(chunk);
      splitter.push(chunk);
    },
  );
  const code = await child.exited;
  splitter.end();
  const durationMs = context.world.clock.now() - started;
  context.print(`== ${group.name}: ${code === 0 ? "passed" : "FAILED"} in ${prettyMs(durationMs)}\n`);
  return { group, ok: code === 0, durationMs, failures: code === 0 ? [] : failureLines(output.text()) };
}

function summary(results: readonly GroupResult[]): string {
  const lines = results.map(({ group, ok, durationMs }) => {
    const verdict = ok ? "passed" : "FAILED";
    return `${verdict}  ${prettyMs(durationMs, { secondsDecimalDigits: 0 }).padStart(8)}  ${group.name}`;
  });
  const failures = results.flatMap(({ group, failures }) =>
    failures.length === 0 ? [] : [`\n${group.name}:`, ...failures.map((line) => `  ${line}`)],
  );
  const failed = results.filter(({ ok }) => !ok).length;
  const total = results.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return `\n${[...lines, ...failures].join("\n")}\n\n${prettyMs(total, { secondsDecimalDigits: 0 })} in all\n${results.length - failed} passed, ${failed} failed\n`;
}

function listing(groups: readonly TestGroup[]): string {
  return groups
    .map(({ name, doors: open, shows }) => `  ${name.padEnd(14)} ${open.join(", ").padEnd(9)} ${shows}\n`)
    .join("");
}

/** Doors that build images need root; `fast` does not. */
export function needsRoot(door: string): boolean {
  return (["ci", "deep"] satisfies Door[]).some((known) => known === door);
}
