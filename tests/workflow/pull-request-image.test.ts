import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { whyFailed } from "../../workbench/act-log.ts";
import { copyRepository, openPullRequest, type Scenario } from "./scenario.ts";

/** Folder with finished layers: with it the change is really built and booted. Needs root. */
const cache = process.env.PI_TEST_CACHE;
const MINUTES = 60_000;

let scenario: Scenario;
beforeAll(async () => {
  scenario = await copyRepository();
});
afterAll(() => scenario.remove());

test.runIf(cache !== undefined)(
  "a change in the agent builds and boots the agent, and nothing else",
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
    const run = await openPullRequest(
      scenario,
      { "cluster.yaml": changed },
      { vars: { PI_CACHE: cache ?? "", PI_BUILDER: "chroot" }, timeoutMs: 19 * MINUTES },
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
    expect(run.outputs["image.build.build-id"]).toMatch(/^[0-9a-f]{64}$/);
    expect(run.summaries.join("\n")).toMatch(/agent.* on raspi3b: passed/);
  },
);
