#!/usr/bin/env -S /usr/lib/home-pi/node/bin/node --jitless --max-semi-space-size=1 --v8-pool-size=1
import { parseArgs } from "node:util";
import { clock } from "../lib/external/clock.ts";
import { acquireLock } from "../lib/external/lock.ts";
import { processes } from "../lib/external/process.ts";
import { describeFailure, messageOf } from "../lib/failure.ts";
import { accept, commit, installWish, nextRun, pause, rollback, run, settled } from "./commands.ts";
import { UpdaterError } from "./failure.ts";
import { trial as limits } from "./limits.ts";
import { placesOf } from "./places.ts";
import { busOf } from "./rauc/bus.ts";
import { status } from "./report/current.ts";
import { renderStatus, type Status } from "./report/status.ts";
import { runUpdater, type UpdaterNode } from "./run.ts";
import { runGate } from "./trial/gate.ts";
import { gateNode } from "./trial/node.ts";

const USAGE = `usage: node-update COMMAND [--json]
  status                      what runs, what is to run, what failed and why, and what is waited for
  check                       look at the channel now; nothing is installed
  install [--version V]       install now: what the channel stands at, or another release
          [--older]           even one older than what has run here
          [--retry]           even one that failed here
  rollback                    go back to the build that ran before
  pause [--off]               do nothing by itself, or go on
  accept                      in mode "ask": yes to what is there
for services: run, gate, commit, settled
`;

const options = {
  json: { type: "boolean", default: false },
  version: { type: "string" },
  older: { type: "boolean", default: false },
  retry: { type: "boolean", default: false },
  off: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

type Flags = ReturnType<typeof parse>["values"];

/** What each command does; a status is shown (with --json always), `false` ends with 1. */
const commands: Readonly<Record<string, (node: UpdaterNode, flags: Flags) => Promise<Status | boolean>>> = {
  status,
  check: (node) => runUpdater(node, { act: false, timeWaitMs: 0 }),
  run,
  install: (node, { version, older, retry }) =>
    installWish(node, { version: version?.replace(/^v/, ""), older, retry }),
  rollback: async (node) => rollback(node).then(() => true),
  pause: (node, { off }) => pause(node, !off),
  accept,
  gate: (node) => runGate(gateNode(node), gateLimits),
  commit: async (node) => commit(node).then(() => true),
  settled: async (node) => settled(node).then(() => true),
};

/** What stands below another folder is no node: it is looked at once. */
const gateLimits = process.env.HOME_PI_ROOT === undefined ? limits : { ...limits, steadyMs: 0 };

/** Commands that only read, or stand in the way of nothing. */
const WITHOUT_LOCK = new Set(["status", "gate"]);
/** Another one may be at its end. In milliseconds. */
const LOCK_WAIT_MS = 10_000;

async function main(args: readonly string[]): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    process.stderr.write(`node-update: ${messageOf(error)}\n${USAGE}`);
    return 2;
  }
  const { values: flags, positionals } = parsed;
  const [name = "", ...rest] = positionals;
  const command = commands[name];
  if (flags.help || command === undefined || rest.length > 0) {
    (flags.help ? process.stdout : process.stderr).write(USAGE);
    return flags.help ? 0 : 2;
  }
  // Where the files of a node lie below another folder: for tests and people who look into a tree.
  const places = placesOf(process.env.HOME_PI_ROOT ?? "/");
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const world = { processes, clock, signal: new AbortController().signal };
  const node: UpdaterNode = {
    world,
    places,
    bus: busOf(processes),
    say: name === "status" ? () => undefined : say,
  };
  const wanted = !WITHOUT_LOCK.has(name);
  const request = { file: places.lock, mode: "exclusive", waitMs: LOCK_WAIT_MS } as const;
  const lock = wanted ? await acquireLock(processes, request) : undefined;
  if (wanted && lock === undefined) {
    throw new UpdaterError("BUSY", "another run of the updater is at work", {
      fix: "wait for it: node-update status",
    });
  }
  try {
    const result = await command(node, flags);
    if (name === "run") say(`memory: ${Math.ceil(process.resourceUsage().maxRSS / 1024)} MiB at most`);
    const code = result === false ? 1 : 0;
    if (typeof result === "boolean" && !flags.json) return code;
    const told = typeof result === "boolean" ? await status(node) : result;
    const text = flags.json
      ? `${JSON.stringify(told)}\n`
      : renderStatus(told, clock.now(), await nextRun(node));
    process.stdout.write(text);
    return code;
  } finally {
    await lock?.release();
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${describeFailure(error).join("\n")}\n`);
    process.exitCode = 1;
  },
);
