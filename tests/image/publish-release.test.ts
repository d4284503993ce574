import { mkdir, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseVersion } from "../../lib/release/version.ts";
import { type FakeGithub, startGithub } from "../../workbench/github/server.ts";
import { type FakeResults, startResults } from "../../workbench/results/server.ts";
import { type FakeSigstore, startSigstore } from "../../workbench/sigstore.ts";
import { type OwnCluster, ownCluster } from "../contract/actions/own-cluster.ts";
import { runAction } from "../contract/actions/run-action.ts";
import { startAction } from "../contract/actions/running-action.ts";
import { leaveBuild } from "./leave-build.ts";
import { leftovers } from "./leftovers.ts";

const cache = process.env.PI_TEST_CACHE ?? "/var/cache/home-pi-cluster";
const version = parseVersion("v1.2.3");
const COMMIT = "c".repeat(40);

let cluster: OwnCluster;
let github: FakeGithub;
let results: FakeResults;
let sigstore: FakeSigstore;
beforeAll(async () => {
  cluster = await ownCluster();
  github = await startGithub();
  results = await startResults(join(cluster.folder, "blobs"));
  sigstore = await startSigstore({ sub: "repo:someone/cluster", repository: "someone/cluster", sha: COMMIT });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  for (const fake of [github, results, sigstore]) await fake.close();
  await cluster.remove();
});

/** The environment of the job, its inputs, and a folder for the runner's files. */
async function theJob() {
  const job = {
    ...{ GITHUB_REPOSITORY: "someone/cluster", GITHUB_API_URL: github.apiUrl, GITHUB_SHA: COMMIT },
    ...results.environment("run"),
    ...sigstore.environment,
    ...cluster.secrets,
  };
  // The tools are taken from the cache; what is prepared for a release that nobody wants stays out of it.
  const own = join(cluster.folder, "own-cache");
  const inputs = {
    ...{ version: version.tag, token: github.token, "cache-dir": own, "manifest-workflow": "manifest.yml" },
    ...{ "fulcio-url": sigstore.url, "rekor-url": sigstore.url },
  };
  const runner = join(cluster.folder, "runner");
  await rm(runner, { recursive: true, force: true });
  await mkdir(runner);
  return { job, inputs, runner, own };
}

test("the committed bundle of publish-release, cancelled in an upload, leaves a draft and nothing on the runner", async () => {
  for (const [name, value] of Object.entries(results.environment("run"))) vi.stubEnv(name, value);
  for (const profile of ["server", "agent"]) await leaveBuild(cluster, cache, profile);
  const { job: env, inputs, runner: folder, own } = await theJob();
  await mkdir(own);
  await symlink(join(cache, "tools"), join(own, "tools"));
  github.faults.push({ on: "upload", do: "stall" });
  const step = await startAction("publish-release", { inputs, folder, workspace: cluster.workspace, env });
  await vi.waitFor(() => expect(github.faults).toEqual([]), { timeout: 60_000, interval: 50 });
  expect(await step.cancel(), step.output()).toMatchObject({ by: "SIGINT", exitCode: 1 });
  expect(github.repository.releases).toMatchObject([{ draft: true, tag: "v1.2.3" }]);
  expect(await readdir(join(folder, "temp", "home-pi-release"))).toEqual([]);
  expect(await leftovers(own)).toEqual([]);
});

test("it publishes in the next run, with the real RAUC, and then finds it published", async () => {
  const { job, inputs, runner } = await theJob();
  github.repository.onDispatch = (run) => {
    run.conclusion = "success";
  };
  const first = await runAction("publish-release", inputs, runner, cluster.workspace, job);
  expect(first.exitCode, first.lines.join("\n")).toBe(0);
  expect(first.outputs).toMatchObject({
    tag: "v1.2.3",
    published: "true",
    attestation: expect.stringMatching(/^\d+$/),
  });
  expect(github.repository.releases[0]).toMatchObject({ draft: false, tag: "v1.2.3" });
  expect(github.repository.runs).toHaveLength(1);
  const all = first.lines.join("\n");
  for (const secret of [github.token, "PRIVATE KEY"]) expect(all).not.toContain(secret);
  const second = await runAction("publish-release", inputs, runner, cluster.workspace, job);
  expect(second.outputs, second.lines.join("\n")).toMatchObject({ tag: "v1.2.3", published: "false" });
  expect([...github.problems, ...results.problems]).toEqual([]);
  await rm(runner, { recursive: true });
});
