import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunnerUser } from "../../../workbench/runner/user.ts";
import { bundleOf, runnersEnvironment } from "./run-action.ts";

/** How long the runner waits after SIGINT, and then after SIGTERM, before it kills. */
const RUNNERS_WAITS_MS = { SIGINT: 7_500, SIGTERM: 2_500 } as const;
const LONGEST_WAIT_MS = 4 * 60_000;

export interface CancelledAction {
  /** What ended it. SIGKILL: it was not gone in time. */
  readonly by: "SIGINT" | "SIGTERM" | "SIGKILL";
  readonly exitCode: number | null;
  readonly tookMs: number;
}

/** A bundle that runs, as the runner started it. */
export interface RunningAction {
  readonly pid: number;
  output(): string;
  /** Waits for it to print this; rejects where it ends before, or after four minutes. */
  printed(text: string): Promise<void>;
  /** The same for anything else. */
  reached(what: string, come: () => boolean | Promise<boolean>): Promise<void>;
  /** Cancels it as the runner does: SIGINT, SIGTERM after 7.5 s, SIGKILL after another 2.5 s. */
  cancel(): Promise<CancelledAction>;
  /** SIGKILL at once: what a runner's last resort, or a machine without memory, does. */
  kill(): Promise<void>;
}

export interface Started {
  readonly inputs: Readonly<Record<string, string>>;
  /** Gets the runner's files. */
  readonly folder: string;
  readonly workspace: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Who runs it, where that is not who tests. */
  readonly user?: RunnerUser;
}

export async function startAction(name: string, started: Started): Promise<RunningAction> {
  const { inputs, folder, workspace, env = {}, user } = started;
  const given = await runnersEnvironment(inputs, folder, workspace);
  for (const path of user === undefined ? [] : [folder, workspace]) await user?.give(path);
  const named = Object.entries({ ...given, ...env }).map(([key, value]) => `${key}=${value}`);
  const [file, ...argv] =
    user === undefined ? bundleOf(name) : user.command(["env", ...named, ...bundleOf(name, user.bin)]);
  // Were the test killed, or over too soon, the step is stopped as well.
  const child = spawn("setpriv", ["--pdeathsig", "TERM", file, ...argv], {
    cwd: workspace,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "/root",
      ...given,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let over = false;
  const collect = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<number | null>((resolve) => {
    child.on("exit", (code) => {
      over = true;
      resolve(code);
    });
  });
  const endsWithin = (ms: number): Promise<boolean> =>
    Promise.race([ended.then(() => true), sleep(ms).then(() => over)]);
  const reached: RunningAction["reached"] = async (what, come) => {
    const deadline = Date.now() + LONGEST_WAIT_MS;
    while (!(await come())) {
      if (over) throw new Error(`over before ${what}:\n${output.slice(-2000)}`);
      if (Date.now() > deadline) throw new Error(`never came to ${what}:\n${output.slice(-2000)}`);
      await sleep(20);
    }
  };
  return {
    pid: child.pid ?? 0,
    output: () => output,
    printed: (text) => reached(`"${text}"`, () => output.includes(text)),
    reached,
    async cancel() {
      const since = Date.now();
      for (const by of ["SIGINT", "SIGTERM"] as const) {
        child.kill(by);
        if (await endsWithin(RUNNERS_WAITS_MS[by])) {
          return { by, exitCode: await ended, tookMs: Date.now() - since };
        }
      }
      child.kill("SIGKILL");
      return { by: "SIGKILL", exitCode: await ended, tookMs: Date.now() - since };
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
