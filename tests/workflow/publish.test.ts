import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parse, stringify } from "yaml";
import type { ActResult } from "../../workbench/act.ts";
import { type FakeGithub, startGithub } from "../../workbench/github/server.ts";
import { type FakeResults, startResults } from "../../workbench/results/server.ts";
import { commitFiles, git } from "../contract/actions/repository.ts";
import { leaveBuild } from "../image/leave-build.ts";
import { ownRepository, resultsOf, start } from "./by-hand.ts";

/** Folder with finished layers, of which the tools tree is taken. Needs root. */
const cache = process.env.PI_TEST_CACHE;

let own: Awaited<ReturnType<typeof ownRepository>>;
let github: FakeGithub;
let results: FakeResults;
beforeEach(async () => {
  own = await ownRepository();
  github = await startGithub();
  results = await startResults(join(own.cluster.folder, "blobs"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await github.close();
  await results.close();
  await own.scenario.remove();
  await own.cluster.remove();
});

/** release.yml with its publishing job alone, as after a "re-run failed jobs": act would run those before, too. */
async function onlyPublish(): Promise<string> {
  const path = ".github/workflows/release.yml";
  const workflow = parse(await readFile(join(own.scenario.repository, path), "utf8")) as {
    jobs: Record<string, { needs?: unknown }>;
  };
  const { needs: _needs, ...publish } = workflow.jobs.publish ?? {};
  return stringify({ ...workflow, jobs: { publish } });
}

const TAG = "v1.2.3";

interface Way {
  readonly workflow: string;
  readonly event: string;
  readonly ref: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** How its jobs ended, and those of the workflow it calls. */
  readonly jobs: Readonly<Record<string, string>>;
}

const ways: readonly Way[] = [
  {
    ...{ workflow: "release.yml", event: "push", ref: `refs/tags/${TAG}`, inputs: {} },
    jobs: { publish: "success" },
  },
  // Whose own jobs have no key: they name what the called workflow may take of its environment.
  {
    ...{
      workflow: "rebuild.yml",
      event: "workflow_dispatch",
      ref: "refs/heads/main",
      inputs: { version: TAG },
    },
    jobs: { compile: "success", publish: "success", "all-green": "success" },
  },
];

test.runIf(cache !== undefined && process.getuid?.() === 0).each(ways)(
  "$workflow publishes small builds, starts manifest.yml, and nodes are told on a real git remote",
  async ({ workflow, event, ref, inputs: given, jobs }) => {
    const { cluster, scenario } = own;
    for (const [name, value] of Object.entries(results.environment("run"))) vi.stubEnv(name, value);
    for (const profile of ["server", "agent"]) await leaveBuild(cluster, cache ?? "", profile);
    const layers = join(cluster.folder, "own-cache");
    await mkdir(layers);
    await symlink(join(cache ?? "", "tools"), join(layers, "tools"));
    const text = await onlyPublish();
    const commit = await commitFiles(scenario.repository, { ".github/workflows/release.yml": text });
    if (event === "push") github.repository.tags.set(TAG, { commit, annotated: false });
    const { apiUrl, token } = github;
    const {
      PI_KEY_TARGETS = "",
      PI_KEY_ONLINE = "",
      PI_KEY_SIGNING = "",
      PI_CERT_SIGNING = "",
    } = cluster.secrets;
    const told: ActResult[] = [];
    // GitHub's part: a workflow that is started by hand runs, with the secrets of its own environment.
    github.repository.onDispatch = (run) => {
      const inputs = Object.fromEntries(
        Object.entries(run.inputs).map(([key, value]) => [key, String(value)]),
      );
      const secrets = { PI_KEY_TARGETS, PI_KEY_ONLINE };
      void start(own, { workflow: run.workflow, inputs, apiUrl, token, secrets }).then((done) => {
        told.push(done);
        run.conclusion = done.succeeded ? "success" : "failure";
      });
    };
    const done = await start(own, {
      ...{ workflow, event, ref, inputs: given, apiUrl, token },
      secrets: { PI_KEY_SIGNING, PI_CERT_SIGNING },
      vars: { PI_PUBLISH_CACHE: layers },
      env: { ...results.environment("run"), GITHUB_SHA: commit },
    });
    expect(resultsOf(done), `${done.log}\n${told[0]?.log}`).toMatchObject(jobs);
    expect(told.map(resultsOf)).toEqual([{ manifest: "success", "all-green": "success" }]);
    expect(github.repository.releases[0]).toMatchObject({ tag: TAG, draft: false, target: commit });
    expect(github.repository.tags.get(TAG)?.commit).toBe(commit);
    expect(await git(cluster.remote, "log", "--format=%s", "manifest")).toBe(`Release ${TAG}`);
    expect(done.summaries.join("\n")).toContain(`### Release ${TAG}`);
    expect([...github.problems, ...results.problems]).toEqual([]);
  },
);
