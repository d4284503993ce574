import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { sha256OfFile } from "../../lib/external/files.ts";
import { openRunArtifacts } from "../../lib/external/run-artifacts.ts";
import { realWorld } from "../../lib/external/world.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import { throwAway } from "../../lib/keys/certificates.ts";
import { BOOT_FILE, packBuild, THROW_AWAY_CA } from "../../lib/release/packed-build.ts";
import { parseVersion } from "../../lib/release/version.ts";
import { type FakeGithub, startGithub } from "../../workbench/github/server.ts";
import { type FakeResults, startResults } from "../../workbench/results/server.ts";
import { type FakeSigstore, startSigstore } from "../../workbench/sigstore.ts";
import { type OwnCluster, ownCluster } from "../contract/actions/own-cluster.ts";
import { runAction } from "../contract/actions/run-action.ts";
import { quietReporter } from "../unit/image/quiet-reporter.ts";
import { smallBuild } from "./small-build.ts";

const cache = process.env.PI_TEST_CACHE ?? "/var/cache/home-pi-cluster";
const world = realWorld(new AbortController().signal);
const { reporter } = quietReporter();
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

/** What the jobs before leave: a small build, packed with the real RAUC, and a boot test that passed. */
async function leaveBuild(profile: string): Promise<void> {
  const tools = await ensureTools(world, reporter, cache);
  const folder = join(cluster.folder, profile);
  const names = await packBuild(await smallBuild(cluster.folder, profile), version, folder, {
    ...{ tools, cacheDir: join(cluster.folder, "cache"), world, reporter },
    throwAway: () => throwAway(new Date(), "home"),
  });
  const check = { name: "slot", ok: true, expected: "A", actual: "A" };
  const result = {
    version: 1,
    ok: true,
    machine: "raspi3b",
    checks: [check],
    boots: [{ timings: { loginMs: 1 } }],
  };
  const boot = join(cluster.folder, `boot-${profile}`, BOOT_FILE);
  await mkdir(join(boot, ".."), { recursive: true });
  await writeFile(
    boot,
    JSON.stringify({ imageSha256: await sha256OfFile(join(folder, names.image)), result }),
  );
  const files = [...Object.values(names), THROW_AWAY_CA].map((name) => join(folder, name));
  const artifacts = await openRunArtifacts();
  await artifacts.upload(`image-${profile}-rpi-arm64`, files);
  await artifacts.upload(`boot-${profile}-rpi-arm64`, [boot]);
}

test("the committed bundle of publish-release publishes, with the real RAUC, and then finds it published", async () => {
  const job = {
    ...{ GITHUB_REPOSITORY: "someone/cluster", GITHUB_API_URL: github.apiUrl, GITHUB_SHA: COMMIT },
    ...results.environment("run"),
    ...sigstore.environment,
    ...cluster.secrets,
  };
  for (const [name, value] of Object.entries(results.environment("run"))) vi.stubEnv(name, value);
  for (const profile of ["server", "agent"]) await leaveBuild(profile);
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
