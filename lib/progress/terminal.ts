import { stripVTControlCharacters } from "node:util";
import { MultiBar } from "cli-progress";
import colors from "picocolors";
import type { Reporter } from "./reporter.ts";
import { type StepState, trackSteps } from "./tracker.ts";
import { elapsedWords, formatDuration, howFar, messageLine } from "./words.ts";

export interface TerminalOptions {
  readonly stream: NodeJS.WriteStream;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

const BAR_CELLS = 20;
const FRAMES_PER_SECOND = 4;

/** `title  [=====>      ]  41 %  1m 30s of about 4m  what it is doing`, cut to the terminal's width. */
export function barLine(step: StepState, nowMs: number, columns: number): string {
  const elapsedMs = nowMs - step.startedMs;
  const far = howFar(step, elapsedMs);
  const parts = [step.title];
  if (far !== undefined) {
    const full = Math.floor(far * BAR_CELLS);
    parts.push(
      `[${"=".repeat(full)}${full < BAR_CELLS ? ">" : ""}${" ".repeat(Math.max(BAR_CELLS - full - 1, 0))}]`,
    );
    parts.push(`${String(Math.floor(far * 100)).padStart(3)} %`);
  }
  parts.push(elapsedWords(step, elapsedMs));
  const doing = step.text === "" ? (step.tail.at(-1) ?? "") : step.text;
  if (doing !== "") parts.push(stripVTControlCharacters(doing));
  return parts.join("  ").slice(0, Math.max(columns - 1, 20));
}

/** A bar per running step; what has ended, and every message, stays above as a line. */
export function terminalReporter(options: TerminalOptions): Reporter {
  const { stream, now } = options;
  const running = new Set<StepState>();
  let bars: MultiBar | undefined;
  const show = (): void => {
    if (running.size === 0) return;
    bars = new MultiBar({
      stream,
      fps: FRAMES_PER_SECOND,
      clearOnComplete: true,
      hideCursor: false,
      format: (_options, _params, payload: { readonly step: StepState }) =>
        barLine(payload.step, now(), stream.columns || 80),
    });
    for (const step of running) bars.create(1, 0, { step });
  };
  // Bars are cleared and drawn anew around each permanent line: nothing of an old frame stays behind.
  const above = (change: () => void, lines: readonly string[]): void => {
    bars?.stop();
    bars = undefined;
    for (const line of lines) stream.write(`${line}\n`);
    change();
    show();
  };
  return trackSteps(
    {
      showsLines: false,
      begin: (step) => above(() => running.add(step), []),
      line: () => undefined,
      end(step, end) {
        const word = end.failed ? colors.red("failed") : colors.green("done");
        const lines = [
          ...end.unseen.map((line) => `    ${line}`),
          `${word}  ${step.title}  ${formatDuration(end.elapsedMs)}`,
        ];
        above(() => running.delete(step), lines);
      },
      message(level, text, place) {
        const line = messageLine(level, text, place);
        const paint = level === "error" ? colors.red : level === "warning" ? colors.yellow : String;
        above(() => undefined, [paint(line)]);
      },
    },
    now,
  );
}
