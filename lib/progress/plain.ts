import type { Reporter } from "./reporter.ts";
import { type StepState, trackSteps } from "./tracker.ts";
import { elapsedWords, formatDuration, messageLine } from "./words.ts";

export interface PlainOptions {
  readonly write: (text: string) => void;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  /** Print every line of the tools' output as it comes. */
  readonly verbose: boolean;
  /** How often a step that still runs says so. */
  readonly everyMs?: number;
}

const EVERY_MS = 30_000;

/** `[  12.3 s] title ...`: lines with the seconds since the start, for pipes, logs and --verbose. */
export function plainReporter(options: PlainOptions): Reporter {
  const startedMs = options.now();
  const timers = new Map<StepState, NodeJS.Timeout>();
  const print = (text: string): void => {
    const seconds = ((options.now() - startedMs) / 1000).toFixed(1).padStart(6);
    options.write(`[${seconds} s] ${text}\n`);
  };
  const stillRunning = (step: StepState): void => {
    const doing = step.text === "" ? "" : `, ${step.text}`;
    const far = step.fraction === undefined ? "" : `, ${Math.floor(step.fraction * 100)} %`;
    print(`${step.title}: ${elapsedWords(step, options.now() - step.startedMs)}${far}${doing}`);
  };
  return trackSteps(
    {
      showsLines: options.verbose,
      begin(step) {
        const usually = step.expectedMs === undefined ? "" : ` (usually ${formatDuration(step.expectedMs)})`;
        print(`${step.title} ...${usually}`);
        timers.set(step, setInterval(() => stillRunning(step), options.everyMs ?? EVERY_MS).unref());
      },
      line(_step, text) {
        if (options.verbose) options.write(`    ${text}\n`);
      },
      end(step, end) {
        clearInterval(timers.get(step));
        timers.delete(step);
        for (const line of end.unseen) options.write(`    ${line}\n`);
        const how = end.failed ? "failed after" : "done in";
        print(`${step.title} ${how} ${formatDuration(end.elapsedMs)}`);
      },
      message: (level, text, place) => print(messageLine(level, text, place)),
    },
    options.now,
  );
}
