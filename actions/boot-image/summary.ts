import type { BootResult } from "../../lib/emulator/boot.ts";
import { describeFailure } from "../../lib/failure.ts";
import { escapeCell, markdownTable } from "../../lib/progress/markdown.ts";

/** The table of checks, those that failed first. */
export function resultSummary(name: string, result: BootResult): string {
  const failed = result.checks.filter((check) => !check.ok);
  const checks = [...failed, ...result.checks.filter((check) => check.ok)];
  const verdict = result.ok ? "passed" : `${failed.length} checks failed`;
  const rows = checks.map(({ name: check, ok, expected, actual }) => [
    check,
    ok ? "ok" : "FAILED",
    expected,
    actual,
  ]);
  return `### ${name} on ${result.machine}: ${verdict}\n\n${markdownTable(["check", "", "expected", "found"], rows)}`;
}

/** What is known of a boot without a report: the message and the last lines of the console. */
export function failureSummary(name: string, error: unknown): string {
  return `### ${name} did not boot\n\n<pre>${describeFailure(error).map(escapeLine).join("\n")}</pre>\n`;
}

function escapeLine(line: string): string {
  return escapeCell(line).replaceAll("\\|", "|");
}
