import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepAsBase } from "../../lib/diff/base-build.ts";
import { assetsRoot } from "../../lib/external/assets.ts";
import { realWorld } from "../../lib/external/world.ts";
import { buildImages } from "../../lib/image/build/build.ts";
import { provisionerNamed } from "../../lib/image/provision/choose.ts";
import { silentReporter } from "../../lib/progress/silent.ts";
import { type FakeResults, startResults } from "../../workbench/results/server.ts";
import { whyFailed } from "../../workbench/why-failed.ts";
import { git } from "../contract/actions/repository.ts";
import { copyRepository, openPullRequest, type Scenario } from "./scenario.ts";

/** Folder with finished layers: with it the change is really built and booted. Needs root. */
const cache = process.env.PI_TEST_CACHE;
const MINUTES = 60_000;

let scenario: Scenario;
let results: FakeResults;
beforeAll(async () => {
  scenario = await copyRepository();
  results = await startResults(join(scenario.repository, "..", "blobs"));
});
afterAll(async () => {
  await results?.close();
  await scenario?.remove();
});

/** What main.yml leaves in the cache for the commit the change is based on: the agent of this definition. */
async function leaveBase(cacheDir: string): Promise<void> {
  const world = realWorld(new AbortController().signal);
  const [built] = await buildImages(
    {
      ...{ project: assetsRoot, cacheDir, keys: join(assetsRoot, "keys"), only: ["agent"], plain: false },
      provisioner: () => provisionerNamed("chroot", cacheDir, world, silentReporter),
    },
    world,
    silentReporter,
  );
  if (built === undefined) throw new Error("the agent was not built");
  const commit = await git(scenario.repository, "rev-parse", "main");
  await keepAsBase(built, commit, cacheDir, world);
}

test.runIf(cache !== undefined)(
  "a change in the agent builds and boots the agent, nothing else, and is shown in the summary",
  async () => {
    const path = join(scenario.repository, "cluster.yaml");
    const definition = await readFile(path, "utf8");
    // A variable no role reads: the build id changes, the base does not.
    const agent = "    packages: [ethtool]\n";
    expect(definition.split(agent)).toHaveLength(2);
    const changed = definition.replace(
      agent,
      `${agent}    ansible: { vars: { shown_in_pull_request: true } }\n`,
    );
    await leaveBase(cache ?? "");
    const run = await openPullRequest(
      scenario,
      { "cluster.yaml": changed },
      {
        vars: { PI_CACHE: cache ?? "", PI_BUILDER: "chroot", PI_MACHINE: "virt" },
        ...{ asRunner: true, env: results.environment("run"), timeoutMs: 19 * MINUTES },
      },
    );
    expect(run.jobs, `${whyFailed(run)}\n${run.log}`).toEqual([
      { job: "compile", matrix: {}, result: "success" },
      {
        job: "image",
        matrix: { id: "agent-rpi-arm64", profile: "agent", board: "rpi-arm64" },
        result: "success",
      },
      { job: "all-green", matrix: {}, result: "success" },
    ]);
    // As on a runner of one's own: nothing stays in the workspace that its user could not remove.
    expect(run.succeeded, run.log).toBe(true);
    expect(run.outputs["image.build.build-id"]).toMatch(/^[0-9a-f]{64}$/);
    const summary = run.summaries.join("\n");
    expect(summary).toMatch(/agent.* on virt: passed/);
    expect(summary).toMatch(/Compared with build \w{12} of commit \w{12}, which this change is based on\./);
    // A variable that no role reads: the build id is another, and where it stands in the image with it.
    expect(summary).toMatch(/\| changed \| \/usr\/lib\/os-release \| content/);
    expect(summary).not.toContain("#### packages");
    expect(results.artifacts.map(({ name }) => name)).toEqual(["boot-agent-rpi-arm64"]);
    expect(results.problems).toEqual([]);
  },
);
