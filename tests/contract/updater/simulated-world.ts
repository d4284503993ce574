import type { Clock } from "../../../lib/external/clock.ts";
import { ProcessError, type Processes, type ProcessResult } from "../../../lib/external/process.ts";
import type { World } from "../../../lib/external/world.ts";
import type { Effects } from "./effects.ts";

/** Milliseconds since 1970 on a simulated node. */
export interface Time {
  now: number;
}

/** What a program of the updater may touch of the outside. `run` does what a program is told, and says what it prints. */
export function worldOf(effects: Effects, time: Time, run: (argv: readonly string[]) => string): World {
  const clock: Clock = {
    now: () => time.now,
    elapsed: () => time.now,
    sleep: async (ms) => {
      effects.require("updater");
      time.now += ms;
    },
  };
  const processes: Processes = {
    run: ({ argv }) => {
      const name = argv.join(" ");
      const effect = { name, asks: /is-active|list-units|list-jobs/.test(name), doer: "updater" } as const;
      const result = (): ProcessResult => ({ exitCode: 0, stdout: run(argv), stderr: "", durationMs: 0 });
      return effects.pass(effect, () => new ProcessError("EXIT", `${argv[0]} ended with 1`), result);
    },
    start: (_, onData) => holdUdev(effects, onData),
  };
  return { processes, clock, signal: new AbortController().signal };
}

/** The only program that runs beside the updater is the one that holds udev's queue. */
function holdUdev(effects: Effects, onData: (chunk: Buffer) => void): ReturnType<Processes["start"]> {
  const effect = { name: "udev is held", asks: true, doer: "updater" } as const;
  const fail = () => new Error("udev cannot be held");
  const held = effects.pass(effect, fail, () => onData(Buffer.from("held\n")));
  const exited = held.then(
    () => new Promise<undefined>(() => undefined),
    () => 1,
  );
  const write = (): void => onData(Buffer.from("free\n"));
  return { pid: undefined, exited, write, stop: async () => undefined };
}
