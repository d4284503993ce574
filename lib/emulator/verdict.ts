import type { BootResult } from "./boot.ts";
import type { Check } from "./checks.ts";
import { EmulatorError } from "./failure.ts";

/** A result with failed checks as an error: which, and where the console's log is. */
export function checksError(result: BootResult): EmulatorError {
  const failed = result.checks.filter((check) => !check.ok);
  const text = `the node booted, but ${failed.length} of ${result.checks.length} checks failed`;
  return new EmulatorError("CHECKS", text, {
    details: failed.map((check) => `${check.name}: expected ${check.expected}, found ${check.actual}`),
    fix: `see the console log: ${result.consoleLog}`,
  });
}

/** Long values, build ids above all, as far as a table has room. */
const SHOWN_CHARACTERS = 48;

function short(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 3)}...` : text;
}

/** Rows of the table people read: verdict, check, what was found, and what was expected where that differs. */
export function checkRows(checks: readonly Check[]): string[][] {
  return checks.map(({ name, ok, expected, actual }) => [
    ok ? "ok" : "FAILED",
    name,
    short(actual),
    ok ? "" : short(expected),
  ]);
}
