import { join } from "node:path";
import prettyBytes from "pretty-bytes";
import { formatDuration } from "../../lib/progress/words.ts";
import { whyFailed } from "../why-failed.ts";
import { places } from "./leave.ts";
import type { LocalRun } from "./run.ts";

export const JOB_HEAD = ["workflow", "job", "result", "took"] as const;

/** A row for each job, in the order they began; those that GitHub would not have started are not there. */
export function jobRows({ runs }: Pick<LocalRun, "runs">): string[][] {
  return runs.flatMap(({ file, times }) =>
    times.map(({ name, result, durationMs }) => [
      file.replace(/\.yml$/, ""),
      name,
      result ?? "ended before it was over",
      // act counts whole seconds.
      durationMs === 0 ? "under 1s" : formatDuration(durationMs),
    ]),
  );
}

/** What was uploaded to a release, in a word. */
export function uploadWords(uploaded: LocalRun["uploaded"]): string {
  const bytes = [...uploaded.values()].reduce((sum, one) => sum + one, 0);
  return uploaded.size === 0 ? "nothing" : `${uploaded.size} files, ${prettyBytes(bytes)}`;
}

/** Where people find what a run made: what it is, and its place. `has` tells what is there. */
export function placeRows(
  folder: string,
  version: string | undefined,
  has: (path: string) => boolean,
): string[][] {
  const { store, remote, artifacts, logs } = places(folder);
  return [
    ...(version === undefined ? [] : [["release", join(store, "releases", version)]]),
    ["manifest", join(store, "manifest")],
    ["branch manifest", remote],
    ["artifacts", artifacts],
    ["logs and summaries", logs],
  ].filter(([, path = ""]) => has(path));
}

/** One line for each workflow that failed, with its reason. */
export function failureLines({ runs }: Pick<LocalRun, "runs">): string[] {
  return runs.filter(({ succeeded }) => !succeeded).map((run) => `${run.file} failed: ${whyFailed(run)}`);
}
