import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FakeResults, startResults } from "../../workbench/results/server.ts";
import { commitFiles, git } from "../contract/actions/repository.ts";
import { leftovers } from "../image/leftovers.ts";
import { type ScratchCache, scratchCache } from "../image/scratch-cache.ts";
import { foreignRepository, KIOSK_TASKS, kioskTasks, runForeign } from "./foreign-repository.ts";
import { copyRepository, type Scenario } from "./scenario.ts";

/** Folder with finished layers: all but playbook and image come from there. Needs root. */
const finished = process.env.PI_TEST_CACHE;
const able = finished !== undefined && process.getuid?.() === 0;

let ours: Scenario;
let foreign: string;
let layers: ScratchCache;
let results: FakeResults;
beforeAll(async () => {
  if (!able) return;
  ours = await copyRepository();
  foreign = await foreignRepository(ours);
  layers = await scratchCache(finished);
  results = await startResults(join(ours.repository, "..", "blobs"));
});
afterAll(async () => {
  await results?.close();
  await layers?.remove();
  await ours?.remove();
});

const run = async (event: "push" | "pull_request") => {
  const env = { ...results.environment(event), GITHUB_SHA: await git(foreign, "rev-parse", "HEAD") };
  const ended = await runForeign(foreign, ours, { event, env, vars: { PI_CACHE: layers.cache } });
  expect(
    ended.jobs.map(({ job, result }) => [job, result]),
    ended.log,
  ).toEqual([
    ["compile", "success"],
    ["image", "success"],
  ]);
  expect(await leftovers(layers.cache)).toEqual([]);
  expect(results.problems).toEqual([]);
  return ended;
};

describe.runIf(able)("another repository that uses our actions, without npm", () => {
  test("builds its image, with a role of its own", async () => {
    const pushed = await run("push");
    expect(pushed.outputs["image.build.image"]).toMatch(/elsewhere-kiosk-rpi-arm64-[0-9a-f]{12}\.img\.zst$/);
    expect(pushed.log).toContain("Say what this is");
  });

  test("is shown what its pull request changes in the image", async () => {
    // The next job's machine has forgotten what that one kept, but for GitHub's cache.
    await rm(join(layers.cache, "latest"), { recursive: true });
    await commitFiles(foreign, { [`pis/${KIOSK_TASKS}`]: kioskTasks("/etc/kiosk-2") });
    const proposed = await run("pull_request");
    const summary = proposed.summaries.join("\n");
    expect(summary).toContain("### What changes in kiosk-rpi-arm64");
    expect(summary).toMatch(/Compared with build \w{12} of commit \w{12}, which this change is based on\./);
    expect(summary).toContain("Inputs that differ: role ./roles/kiosk.");
    expect(summary).toMatch(/\| added \| \/etc\/kiosk-2 \|/);
    expect(summary).toMatch(/\| removed \| \/etc\/kiosk \|/);
    expect(summary).not.toContain("#### packages");
  });
});
