import type { Status } from "./status.ts";

const label = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", " ");
const labels = (pairs: Readonly<Record<string, string>>): string =>
  `{${Object.entries(pairs)
    .map(([name, text]) => `${name}="${label(text)}"`)
    .join(",")}}`;

/** For node_exporter's textfile collector. Times are seconds since 1970, so that ages are a matter of the query. */
export function metricsOf(status: Status): string {
  const { running, intended, lastFailed, lastCheck, expires } = status;
  const build = { build: running.buildId.slice(0, 12), version: running.version ?? "", slot: running.slot };
  const metrics: readonly (readonly [string, string, string, number | undefined])[] = [
    ["home_pi_update_running", "What runs; 1: committed.", labels(build), status.committed ? 1 : 0],
    ["home_pi_update_running_serial", "Serial of the running version.", "", status.serial],
    [
      "home_pi_update_intended",
      "What is to run next.",
      labels({ version: intended ?? "" }),
      intended === undefined ? undefined : 1,
    ],
    [
      "home_pi_update_last_failed_seconds",
      "When a version failed last.",
      labels({ version: lastFailed?.version ?? "" }),
      seconds(lastFailed?.at),
    ],
    [
      "home_pi_update_last_check_seconds",
      "When the manifest was read and found right.",
      "",
      seconds(lastCheck),
    ],
    [
      "home_pi_update_expiry_seconds",
      "When the manifest runs out.",
      labels({ part: expires?.part ?? "" }),
      seconds(expires?.at),
    ],
    ["home_pi_update_alarm", "1: a person should look.", "", status.alarm ? 1 : 0],
    ["home_pi_update_written_seconds", "When this was written.", "", seconds(status.at)],
  ];
  return metrics
    .filter(([, , , value]) => value !== undefined)
    .map(
      ([name, help, pairs, value]) =>
        `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name}${pairs} ${value}\n`,
    )
    .join("");
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}
