import { z } from "zod";
import { noCheckpoint } from "./checkpoint.ts";
import type { Clock } from "./clock.ts";
import { asking } from "./github.ts";
import { githubClient, once } from "./github-client.ts";
import { GithubError } from "./github-failure.ts";
import type { HttpLimits } from "./http.ts";

export interface GithubApiOptions {
  readonly owner: string;
  readonly repo: string;
  readonly token: string;
  readonly apiUrl: string;
  readonly limits: HttpLimits;
}

export interface WorkflowRun {
  readonly id: number;
  readonly url: string;
  /** `success`, `failure`, `cancelled` ...; undefined while it runs. */
  readonly conclusion: string | undefined;
  /** Whether it stands still until somebody approves a deployment. */
  readonly waits: boolean;
}

/** The parts of GitHub beside releases that a pipeline uses. Every call throws GithubError. */
export interface GithubApi {
  /** Starts a workflow by hand, as it is on `ref`, and returns its run. */
  dispatch(workflow: string, ref: string, inputs: Readonly<Record<string, string>>): Promise<number>;
  run(id: number): Promise<WorkflowRun>;
  /** Switches a workflow on again, whose schedule GitHub ends after 60 days without a commit. */
  enable(workflow: string): Promise<void>;
  /** Keeps a Sigstore bundle; returns its id. */
  attest(bundle: Readonly<Record<string, unknown>>): Promise<number>;
  /** The answer to a GET below `/repos/OWNER/REPO`, or undefined where GitHub says that there is none. */
  look(path: string): Promise<unknown>;
}

const started = z.object({ workflow_run_id: z.int() });
const described = z.object({
  id: z.int(),
  html_url: z.string(),
  status: z.string().nullish(),
  conclusion: z.string().nullish(),
});
const kept = z.object({ id: z.int() });

function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new GithubError("ANSWER", `GitHub described ${what} in a way this program does not know`, {
    fix: "look for a newer version of this program",
  });
}

/** GitHub's API of one repository, or a server that speaks it. */
export function openGithubApi(
  options: GithubApiOptions,
  world: { readonly clock: Clock; readonly signal: AbortSignal },
): GithubApi {
  const { owner, repo, token, apiUrl, limits } = options;
  const waits = { secondMs: 1000, spaced: false };
  const client = githubClient({
    token,
    apiUrl,
    waits,
    limits,
    checkpoint: noCheckpoint,
    signal: world.signal,
  });
  const ask = <T>(call: () => Promise<T>): Promise<T> => asking(world, call);
  const at = { owner, repo };
  return {
    dispatch: (workflow_id, ref, inputs) =>
      ask(async () => {
        const request = { ...at, workflow_id, ref, inputs, return_run_details: true, ...once };
        const { data } = await client.request(
          "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
          request,
        );
        return parsed(started, data, "the run it started").workflow_run_id;
      }),
    run: (run_id) =>
      ask(async () => {
        const { data } = await client.rest.actions.getWorkflowRun({ ...at, run_id });
        const { id, html_url, status, conclusion } = parsed(described, data, "a run");
        return {
          ...{ id, url: html_url, waits: status === "waiting" },
          conclusion: status === "completed" ? (conclusion ?? "none") : undefined,
        };
      }),
    enable: (workflow_id) =>
      ask(async () => {
        await client.rest.actions.enableWorkflow({ ...at, workflow_id, ...once });
      }),
    attest: (bundle) =>
      ask(async () => {
        const { data } = await client.rest.repos.createAttestation({ ...at, bundle, ...once });
        return parsed(kept, data, "the attestation").id;
      }),
    look: (path) =>
      ask(async () => (await client.request(`GET /repos/{owner}/{repo}${path}`, at)).data as unknown).catch(
        (error: unknown) => {
          if (error instanceof GithubError && error.code === "NOT_FOUND") return undefined;
          throw error;
        },
      ),
  };
}
