import { join } from "node:path";
import { clock } from "../external/clock.ts";
import { durationsIn, withDurations } from "./durations.ts";
import { githubReporter } from "./github.ts";
import { plainReporter } from "./plain.ts";
import type { Reporter } from "./reporter.ts";
import { terminalReporter } from "./terminal.ts";

export type ReporterName = "terminal" | "plain" | "github";

export interface ReporterChoice {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly verbose: boolean;
}

/** GitHub's runner says so itself; bars need a terminal and room for themselves, which --verbose takes. */
export function chooseReporter(choice: ReporterChoice): ReporterName {
  if (choice.env.GITHUB_ACTIONS === "true") return "github";
  const bars = choice.isTerminal && !choice.verbose && choice.env.TERM !== "dumb" && choice.env.CI !== "true";
  return bars ? "terminal" : "plain";
}

export interface ReporterOptions {
  /** Folder that keeps durations.json. */
  readonly cacheDir: string;
  /** Show every line of the tools' output. */
  readonly verbose: boolean;
  readonly stream: NodeJS.WriteStream;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The reporter that suits where we run, with expected times from the last run on this machine. */
export function createReporter(options: ReporterOptions): Reporter {
  const { stream, verbose, env = process.env } = options;
  const now = (): number => clock.now();
  const write = (text: string): void => void stream.write(text);
  const reporters: Record<ReporterName, () => Reporter> = {
    terminal: () => terminalReporter({ stream, now }),
    plain: () => plainReporter({ write, now, verbose }),
    github: () => githubReporter({ write, now }),
  };
  const name = chooseReporter({ env, isTerminal: stream.isTTY === true, verbose });
  return withDurations(reporters[name](), durationsIn(join(options.cacheDir, "durations.json")), now);
}
