import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseVersion } from "../../lib/release/version.ts";
import { type FakeGithub, startGithub } from "../../workbench/github/server.ts";
import { type FakeResults, startResults } from "../../workbench/results/server.ts";
import { type FakeSigstore, startSigstore } from "../../workbench/sigstore.ts";
import { type OwnCluster, ownCluster } from "../contract/actions/own-cluster.ts";
import { runAction } from "../contract/actions/run-action.ts";
import { leaveBuild } from "./leave-build.ts";

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

test("the committed bundle of publish-release publishes, with the real RAUC, and then finds it published", async () => {
  const job = {
    ...{ GITHUB_REPOSITORY: "someone/cluster", GITHUB_API_URL: github.apiUrl, GITHUB_SHA: COMMIT },
    ...results.environment("run"),
    ...sigstore.environment,
    ...cluster.secrets,
  };
  for (const [name, value] of Object.entries(results.environment("run"))) vi.stubEnv(name, value);
  for (const profile of ["server", "agent"]) await leaveBuild(cluster, cache, profile);
  github.repository.onDispatch = (run) => {
    run.conclusion = "success";
  };
  const own = join(cluster.folder, "own-cache");
  await mkdir(own);
  await symlink(join(cache, "tools"), join(own, "tools"));
  const inputs = {
    ...{ version: version.tag, token: github.token, "cache-dir": own, "manifest-workflow": "manifest.yml" },
    ...{ "fulcio-url": sigstore.url, "rekor-url": sigstore.url },
  };
  // The tools are taken from the cache; what is prepared for a release that nobody wants stays out of it.
  const runner = join(cluster.folder, "runner");
  await mkdir(runner);
  const first = await runAction("publish-release", inputs, runner, cluster.workspace, job);
  expect(first.exitCode, first.lines.join("\n")).toBe(0);
  expect(first.outputs).toMatchObject({ tag: "v1.2.3", published: "true", attestation: "1" });
  expect(github.repository.releases[0]).toMatchObject({ draft: false, tag: "v1.2.3" });
  expect(github.repository.runs).toHaveLength(1);
  const all = first.lines.join("\n");
  for (const secret of [github.token, "PRIVATE KEY"]) expect(all).not.toContain(secret);
  const second = await runAction("publish-release", inputs, runner, cluster.workspace, job);
  expect(second.outputs, second.lines.join("\n")).toMatchObject({ tag: "v1.2.3", published: "false" });
  expect([...github.problems, ...results.problems]).toEqual([]);
  await rm(runner, { recursive: true });
});
