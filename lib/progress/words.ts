import prettyMilliseconds from "pretty-ms";
import { formatPlace, type Place } from "../failure.ts";
import type { Level, StepState } from "./tracker.ts";

/** `12.3s` below a minute, `4m 12s` above. */
export function formatDuration(ms: number): string {
  return prettyMilliseconds(
    Math.max(ms, 0),
    ms < 60_000 ? { secondsDecimalDigits: 1 } : { secondsDecimalDigits: 0 },
  );
}

/** 0 to 1: what the step says, else elapsed over expected, which never claims to be finished. */
export function howFar(
  step: Pick<StepState, "fraction" | "expectedMs">,
  elapsedMs: number,
): number | undefined {
  if (step.fraction !== undefined) return step.fraction;
  if (step.expectedMs === undefined || step.expectedMs <= 0) return undefined;
  return Math.min(elapsedMs / step.expectedMs, 0.99);
}

/** `1m 30s of about 4m`, or only the elapsed time where none is expected. */
export function elapsedWords(step: Pick<StepState, "expectedMs">, elapsedMs: number): string {
  const elapsed = formatDuration(elapsedMs);
  return step.expectedMs === undefined ? elapsed : `${elapsed} of about ${formatDuration(step.expectedMs)}`;
}

/** `cluster.yaml:12:7: warning: text`; informational lines carry no word. */
export function messageLine(level: Level, text: string, place: Place | undefined): string {
  const where = place === undefined ? "" : `${formatPlace(place)}: `;
  return `${where}${level === "info" ? "" : `${level}: `}${text}`;
}
