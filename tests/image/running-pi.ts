import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { assetsRoot } from "../../lib/external/assets.ts";
import { processes } from "../../lib/external/process.ts";
import { type ControlGroup, makeControlGroup } from "./control-group.ts";

/** A `./pi` that runs, to be signalled in the middle. */
export interface RunningPi {
  readonly pid: number;
  readonly startedMs: number;
  readonly group: ControlGroup;
  output(): string;
  /** Waits for a moment of the run; rejects where the run ends before, or after five minutes. */
  reached(moment: Moment): Promise<void>;
  /** `group`: to every process of the foreground group, as the terminal does at Ctrl-C. */
  signal(name: NodeJS.Signals, to: "process" | "group"): void;
  /** Types at it, where it sits at a terminal. */
  type(keys: string): void;
  /** The exit code; undefined where a signal ended it. */
  readonly ended: Promise<number | undefined>;
}

export interface Moment {
  readonly what: string;
  readonly come: (pi: RunningPi) => boolean | Promise<boolean>;
  /** To be waited for after it came. */
  readonly thenMs?: number;
}

/** The run has printed this text. */
export const printed = (text: string, thenMs = 0): Moment => ({
  what: `"${text}"${thenMs === 0 ? "" : ` and ${thenMs} ms`}`,
  come: (pi) => pi.output().includes(text),
  thenMs,
});

/** A program of this name runs for it. */
export const runs = (program: string, thenMs = 0): Moment => ({
  what: `${program} running${thenMs === 0 ? "" : ` for ${thenMs} ms`}`,
  come: async (pi) => (await pidsOf(pi, program)).length > 0,
  thenMs,
});

/** The kernel cuts the names it gives to processes. */
const NAME_BYTES = 15;

/** Processes of the run by their program's name. */
export async function pidsOf(pi: RunningPi, program: string): Promise<number[]> {
  const members = [...(await pi.group.members())];
  return members.filter(([, name]) => name === program.slice(0, NAME_BYTES)).map(([pid]) => pid);
}

/** Waits until no process of a killed run is left. The kernel does that, in milliseconds on an idle machine. */
export async function untilGone(pi: RunningPi, limitMs = 5_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const members = await pi.group.members();
    if (members.size === 0) return;
    if (Date.now() > deadline) throw new Error(`still there: ${[...members.values()].join(", ")}`);
    await sleep(10);
  }
}

const LONGEST_WAIT_MS = 5 * 60_000;
const groups: ControlGroup[] = [];
let count = 0;

/** Ends what still runs of all that was started here: for `afterEach`. */
export async function endAll(): Promise<void> {
  for (const group of groups.splice(0)) await group.remove();
}

export interface Surroundings {
  readonly cache: string;
  readonly temporary: string;
}

/** Starts `./pi ARGUMENTS`, through the entry script, in a control group of its own. */
export function startPi(args: readonly string[], around: Surroundings): Promise<RunningPi> {
  return start([join(assetsRoot, "pi"), ...args], { CI: "true" }, around);
}

/** The same at a terminal of its own, as a person sees it: bars, and keys that send signals. */
export function startPiAtTerminal(args: readonly string[], around: Surroundings): Promise<RunningPi> {
  const line = [join(assetsRoot, "pi"), ...args].join(" ");
  return start(["script", "--quiet", "--return", "--command", line, "/dev/null"], { TERM: "xterm" }, around);
}

/** The same with its output read by another program. */
export function startPiInPipe(
  args: readonly string[],
  reader: string,
  around: Surroundings,
): Promise<RunningPi> {
  const line = `"$0" "$@" 2>&1 | ${reader}`;
  return start(["sh", "-c", line, join(assetsRoot, "pi"), ...args], { CI: "true" }, around);
}

async function start(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  around: Surroundings,
): Promise<RunningPi> {
  count += 1;
  const startedMs = Date.now();
  const group = await makeControlGroup(`home-pi-test-${process.pid}-${count}`);
  groups.push(group);
  let output = "";
  const child = processes.start(
    {
      // Were this test killed, the run is stopped as well.
      argv: ["setpriv", "--pdeathsig", "TERM", ...group.wrap(argv)],
      cwd: assetsRoot,
      env: { PI_CACHE: around.cache, TMPDIR: around.temporary, ...env },
    },
    (chunk) => {
      output += chunk.toString("utf8");
    },
  );
  const { pid } = child;
  if (pid === undefined) throw new Error("setpriv could not be started");
  let over = false;
  const ended = child.exited.then((code) => {
    over = true;
    return code;
  });
  const pi: RunningPi = {
    pid,
    startedMs,
    group,
    output: () => output,
    ended,
    type: (keys) => child.write(keys),
    signal: (name, to) => void process.kill(to === "group" ? -pid : pid, name),
    async reached(moment) {
      const deadline = Date.now() + LONGEST_WAIT_MS;
      while (!(await moment.come(pi))) {
        if (over) throw new Error(`over before ${moment.what}:\n${output.slice(-2000)}`);
        if (Date.now() > deadline) throw new Error(`never came to ${moment.what}:\n${output.slice(-2000)}`);
        await sleep(10);
      }
      await sleep(moment.thenMs ?? 0);
    },
  };
  return pi;
}

/** Starts `./pi build agent`, with all the tools say. */
export function buildAgent(around: Surroundings & { readonly out: string }): Promise<RunningPi> {
  return startPi(["build", "agent", "--verbose", "--out", around.out], around);
}
