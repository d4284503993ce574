import type { FailedStep, WorkflowRun } from "./act-log.ts";

/** Lines of a run that failed, for people in a hurry. */
const MOST_LINES = 6;
const MOST_CHARACTERS = 300;

function inOneLine(lines: readonly string[]): string {
  return lines.map((line) => line.trim().slice(0, MOST_CHARACTERS)).join(" | ");
}

const filled = (text: string): string[] => text.split("\n").filter((line) => line.trim() !== "");

function reason({ errors, lines }: Pick<FailedStep, "errors" | "lines">): string {
  const told = filled(errors.join("\n"));
  return inOneLine(told.length > 0 ? told.slice(0, MOST_LINES) : filled(lines.join("\n")).slice(-MOST_LINES));
}

/**
 * Why a run failed, on one line: the step that failed first, then the errors it annotated, else the last lines it
 * printed; other jobs fail because of it. Where no step failed, the end of the log: act itself refused something.
 */
export function whyFailed({ failures, log }: Pick<WorkflowRun, "failures" | "log">): string {
  const [first] = failures;
  if (first === undefined) return reason({ errors: [], lines: [log] });
  const why = reason(first);
  return `${first.job}: ${first.step}: ${why === "" ? "it said nothing" : why}`;
}
