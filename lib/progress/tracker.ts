import { Failure, type Place } from "../failure.ts";
import type { Reporter, Step } from "./reporter.ts";

/** What a view may show of a step while it runs. Times are in milliseconds, `startedMs` as the clock gives it. */
export interface StepState {
  readonly title: string;
  readonly startedMs: number;
  readonly expectedMs: number | undefined;
  /** What it is doing now; empty until the step says so. */
  text: string;
  /** How far it is, 0 to 1, where the step knows. */
  fraction: number | undefined;
  /** The last lines of its tools' output, oldest first. */
  readonly tail: string[];
}

export interface StepEnd {
  readonly failed: boolean;
  readonly elapsedMs: number;
  /** Output the reader has not seen yet and needs to understand the failure. */
  readonly unseen: readonly string[];
}

export type Level = "info" | "warning" | "error";

/** One way to show progress; all bookkeeping is done before it is called. */
export interface View {
  /** Whether `line` shows tool output at once, so that a failure need not repeat it. */
  readonly showsLines: boolean;
  begin(step: StepState): void;
  line(step: StepState, text: string): void;
  end(step: StepState, end: StepEnd): void;
  message(level: Level, text: string, place: Place | undefined): void;
}

/** Lines of output kept for a failure. */
export const TAIL_LINES = 40;

/** A reporter that keeps the books and leaves showing to `view`. `now` is in milliseconds. */
export function trackSteps(view: View, now: () => number): Reporter {
  // A failure passes through every step around it; its output is shown once.
  const shown = new WeakSet<object>();
  const unseenFor = (error: unknown, state: StepState): readonly string[] => {
    if (view.showsLines || typeof error !== "object" || error === null || shown.has(error)) return [];
    shown.add(error);
    return error instanceof Failure && error.details.length > 0 ? [] : state.tail;
  };
  return {
    async step(title, options, work) {
      const state: StepState = {
        title,
        startedMs: now(),
        expectedMs: options.expectedMs,
        text: "",
        fraction: undefined,
        tail: [],
      };
      view.begin(state);
      try {
        const result = await work(handleFor(state, view));
        view.end(state, { failed: false, elapsedMs: now() - state.startedMs, unseen: [] });
        return result;
      } catch (error) {
        const unseen = unseenFor(error, state);
        view.end(state, { failed: true, elapsedMs: now() - state.startedMs, unseen });
        throw error;
      }
    },
    info: (text) => view.message("info", text, undefined),
    warn: (text, place) => view.message("warning", text, place),
    error: (text, place) => view.message("error", text, place),
  };
}

function handleFor(state: StepState, view: View): Step {
  return {
    line(text) {
      state.tail.push(text);
      if (state.tail.length > TAIL_LINES) state.tail.shift();
      view.line(state, text);
    },
    update(text, fraction) {
      state.text = text;
      state.fraction = fraction === undefined ? undefined : Math.min(Math.max(fraction, 0), 1);
    },
  };
}
