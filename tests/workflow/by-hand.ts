import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { realWorld } from "../../lib/external/world.ts";
import { type ActRequest, type ActResult, runAct } from "../../workbench/act.ts";
import { actBinary } from "../../workbench/act-binary.ts";
import { type OwnCluster, ownCluster } from "../contract/actions/own-cluster.ts";
import { commitFiles } from "../contract/actions/repository.ts";
import { copyRepository, type Scenario } from "./scenario.ts";

const root = join(import.meta.dirname, "..", "..");
const world = realWorld(new AbortController().signal);

/** This repository as somebody's own, with keys, and a git server that holds the branch `manifest`. */
export async function ownRepository(): Promise<{ scenario: Scenario; cluster: OwnCluster }> {
  const [scenario, cluster] = [await copyRepository(), await ownCluster()];
  for (const name of ["ca.pem", "root.json"]) {
    await cp(join(cluster.workspace, "keys", name), join(scenario.repository, "keys", name));
  }
  await commitFiles(scenario.repository, {});
  return { scenario, cluster };
}

export interface Start {
  readonly workflow: string;
  readonly event?: string;
  /** Of a workflow that is started by hand. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** `refs/heads/main`, where nothing else is said. */
  readonly ref?: string;
  readonly apiUrl?: string;
  readonly token?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly job?: string;
  readonly vars?: Readonly<Record<string, string>>;
  /** Environment of every step. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a workflow of one's own repository, which act takes for github.com/someone/cluster. */
export async function start(
  { scenario, cluster }: { scenario: Scenario; cluster: OwnCluster },
  { workflow, event = "workflow_dispatch", inputs = {}, ref = "refs/heads/main", ...more }: Start,
): Promise<ActResult> {
  const request: ActRequest = {
    binary: await actBinary(join(root, "node_modules", ".cache"), world),
    repository: scenario.repository,
    workflow: `.github/workflows/${workflow}`,
    event,
    payload: {
      ...{ inputs, ref },
      repository: { default_branch: "main", full_name: "someone/cluster", visibility: "public" },
    },
    env: {
      GITHUB_REPOSITORY: "someone/cluster",
      GITHUB_SERVER_URL: "https://github.com",
      ...(more.apiUrl === undefined ? {} : { GITHUB_API_URL: more.apiUrl }),
      ...more.env,
    },
    // Whatever is pushed to our repository on GitHub goes to the bare one here.
    home: {
      ".gitconfig": `[url "file://${cluster.remote}"]\n\tinsteadOf = https://github.com/someone/cluster.git\n`,
    },
    secrets: { ...(more.token === undefined ? {} : { GITHUB_TOKEN: more.token }), ...more.secrets },
    ...(more.job === undefined ? {} : { job: more.job }),
    ...(more.vars === undefined ? {} : { vars: more.vars }),
    scratch: dirname(scenario.repository),
    timeoutMs: 120_000,
  };
  return runAct(request, world);
}

export const resultsOf = (run: ActResult): Record<string, string> =>
  Object.fromEntries(run.jobs.map(({ job, result }) => [job, result]));
