import type { GithubApi, WorkflowRun } from "../external/github-api.ts";
import type { World } from "../external/world.ts";
import type { Reporter } from "../progress/reporter.ts";
import { ReleaseError } from "./failure.ts";
import { WORKFLOW_WAITS } from "./limits.ts";

export interface WorkflowRequest {
  /** The workflow's file: `manifest.yml`. */
  readonly workflow: string;
  /** The branch whose workflow runs. */
  readonly ref: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * Starts another workflow and waits for its end. One that GitHub cancelled is started again: of several that wait
 * in a concurrency group only the newest is kept. One that waits for an approval is left to it after a while, with a
 * warning: what was asked for happens then. Throws ReleaseError WORKFLOW where it failed or takes too long; GithubError.
 */
export async function runWorkflow(
  api: Pick<GithubApi, "dispatch" | "run">,
  request: WorkflowRequest,
  world: Pick<World, "clock" | "signal">,
  reporter: Pick<Reporter, "info" | "warn">,
): Promise<WorkflowRun> {
  const { workflow, ref, inputs } = request;
  for (let left = WORKFLOW_WAITS.starts; ; left -= 1) {
    const run = await untilOver(api, await api.dispatch(workflow, ref, inputs), request, world, reporter);
    if (run.conclusion === "success" || run.conclusion === undefined) return run;
    if (run.conclusion === "cancelled" && left > 1) continue;
    throw new ReleaseError("WORKFLOW", `${workflow} ended with ${run.conclusion}: ${run.url}`, {
      fix: `see there what it says; then run ${workflow} again with the same inputs, nothing has to be built anew`,
    });
  }
}

/** Resolves to a run that is over, or waits for somebody's approval for longer than is waited here. */
async function untilOver(
  api: Pick<GithubApi, "run">,
  id: number,
  { workflow }: WorkflowRequest,
  { clock, signal }: Pick<World, "clock" | "signal">,
  reporter: Pick<Reporter, "info" | "warn">,
): Promise<WorkflowRun> {
  const until = clock.now() + WORKFLOW_WAITS.longestMs;
  let told = false;
  for (;;) {
    const run = await api.run(id);
    if (!told) reporter.info(`${workflow}: ${run.url}`);
    told = true;
    if (run.conclusion !== undefined) return run;
    if (clock.now() > until) {
      const minutes = WORKFLOW_WAITS.longestMs / 60_000;
      if (run.waits) {
        reporter.warn(
          `${workflow} still waits for approval after ${minutes} minutes, and is not waited for any longer. ` +
            `Approve it with "Review deployments": ${run.url}. It then does the rest by itself`,
        );
        return run;
      }
      throw new ReleaseError("WORKFLOW", `${workflow} was not over after ${minutes} minutes: ${run.url}`, {
        fix: "see there what it is at; where it still ends well, nothing else is to be done",
      });
    }
    await clock.sleep(WORKFLOW_WAITS.everyMs, signal);
  }
}
