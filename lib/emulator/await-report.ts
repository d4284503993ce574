import type { SerialConsole } from "./console.ts";
import { EmulatorError } from "./failure.ts";
import { machineLimits } from "./limits.ts";
import type { MachineName } from "./machine.ts";
import type { Report } from "./report.ts";
import type { Timeline } from "./timeline.ts";

/**
 * Waits first for the login prompt, then for the report: so a boot that hangs is told from one that is
 * silent about itself. `onStage` hears of each stage once.
 * @throws EmulatorError REPORT_DAMAGED, REPORT_SCHEMA, and what SerialConsole.waitFor throws
 */
export async function waitForReport(
  machine: { readonly console: SerialConsole; readonly timeline: Timeline },
  name: MachineName,
  onStage: (stage: string) => void,
): Promise<Report> {
  const limits = machineLimits[name];
  const { console, timeline } = machine;
  let shown = "";
  const look = (): Report | undefined => {
    if (shown !== timeline.stage) onStage(timeline.stage);
    shown = timeline.stage;
    return timeline.report;
  };
  const up = (): true | undefined =>
    look() !== undefined || timeline.timings.loginMs !== undefined ? true : undefined;
  await console.waitFor({ what: "the login prompt", timeoutMs: limits.loginMs, look: up });
  try {
    return await console.waitFor({ what: "the node's report", timeoutMs: limits.reportMs, look });
  } catch (error) {
    const nothing = error instanceof EmulatorError && ["DEADLINE", "SILENCE"].includes(error.code);
    if (!nothing || timeline.damagedReports === 0) throw error;
    const text = `${timeline.damagedReports} report lines arrived, none of them whole`;
    throw new EmulatorError("REPORT_DAMAGED", text, { details: console.tail, cause: error });
  }
}
