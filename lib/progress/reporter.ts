import type { Place } from "../failure.ts";

/** One long step: says what it is, how far it is, how long it took and will take. */
export interface Step {
  /** A line of a tool's output: shown on GitHub and with --verbose, kept for a failure's tail. */
  line(text: string): void;
  /** What it is doing now, and how far, 0 to 1 where that is known. */
  update(text: string, fraction?: number): void;
}

export interface StepOptions {
  /** From the last run on this machine; undefined the first time. */
  readonly expectedMs?: number;
}

export interface Reporter {
  /** Runs `work` as a step; the step ends as done or failed with it. */
  step<T>(title: string, options: StepOptions, work: (step: Step) => Promise<T>): Promise<T>;
  info(text: string): void;
  warn(text: string, place?: Place): void;
  error(text: string, place?: Place): void;
}
