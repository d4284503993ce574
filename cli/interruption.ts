import { ProcessError } from "../lib/external/process.ts";

/** What a shell makes of a command that the signal ended: 128 and its number. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;
type Name = keyof typeof exitCodes;

export interface Interruption {
  /** Aborted by the first signal. Later ones change nothing: who tidies up must not be killed at it. */
  readonly signal: AbortSignal;
  /** Undefined as long as nothing interrupted. */
  exitCode(): number | undefined;
}

/**
 * Listens for what stops a command: Ctrl-C, a polite kill, the terminal's end, and a reader that has gone
 * (`./pi build | head`), which would otherwise end the process in the middle.
 */
export function listenForInterruption(say: (text: string) => void): Interruption {
  const controller = new AbortController();
  let by: Name | undefined;
  const interrupt = (name: Name): void => {
    if (by !== undefined) {
      if (name !== "SIGPIPE") say("stopping already: what is half made is being removed\n");
      return;
    }
    by = name;
    controller.abort(new ProcessError("INTERRUPTED", `stopped by ${name}`));
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interrupt(name));
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => interrupt("SIGPIPE"));
  return {
    signal: controller.signal,
    exitCode: () => (by === undefined ? undefined : exitCodes[by]),
  };
}
