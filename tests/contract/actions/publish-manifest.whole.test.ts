import { access, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { gitLogin } from "../../../actions/publish-manifest/git-login.ts";
import { processes } from "../../../lib/external/process.ts";
import { branchHome } from "../../../lib/manifest/branch-home.ts";
import { openProjectKeys } from "../../../lib/manifest/project-keys.ts";
import { publishRelease } from "../../../lib/manifest/publish-release.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { choices, exampleRelease } from "../../unit/manifest/example.ts";
import { type OwnCluster, ownCluster } from "./own-cluster.ts";
import { git } from "./repository.ts";
import { type ActionRun, runAction } from "./run-action.ts";
import { startAction } from "./running-action.ts";

let cluster: OwnCluster;
let github: FakeGithub;
let files: string;
beforeAll(async () => {
  cluster = await ownCluster();
  github = await startGithub();
});
beforeEach(async () => {
  files = join(cluster.folder, "runner");
  await rm(files, { recursive: true, force: true });
  await mkdir(files);
});
afterAll(async () => {
  await github.close();
  await cluster.remove();
});

function publish(
  inputs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = cluster.secrets,
): Promise<ActionRun> {
  const around = { GITHUB_REPOSITORY: "someone/cluster", GITHUB_API_URL: github.apiUrl };
  const given = { token: github.token, remote: cluster.remote, ...inputs };
  return runAction("publish-manifest", given, files, cluster.workspace, { ...around, ...env });
}

/** What a release told nodes, without building one. */
async function release(tag: string): Promise<void> {
  const now = new Date();
  const { keys, trustedRoot } = await openProjectKeys({
    ...{ project: cluster.workspace, cluster: "home", now, development: false },
    env: { PI_KEYS: join(cluster.folder, "keys") },
  });
  const world = { processes, signal: new AbortController().signal };
  const home = branchHome({ remote: cluster.remote, scratch: join(cluster.folder, "scratch"), world });
  const planned = await publishRelease({
    ...{ home, keys, trustedRoot, now, ...choices },
    release: exampleRelease(tag),
  });
  await planned.carryOut();
}

const subjects = async (): Promise<string[]> =>
  (await git(cluster.remote, "log", "--format=%s", "manifest")).split("\n");

describe("the update manifest, changed by the action's bundle on a real git remote", () => {
  test("is begun by a refresh, which keeps its schedule alive", async () => {
    const run = await publish({ change: "refresh", "keep-alive": "manifest.yml" });
    expect(run.exitCode, run.lines.join("\n")).toBe(0);
    expect(run.outputs.changed).toBe("true");
    expect(run.outputs.plan).toContain("the first manifest, empty");
    expect(run.summary).toMatch(/timestamp \| 1 \| .* 29 days left/);
    expect(github.repository.enabled).toEqual(["manifest.yml"]);
    expect(await subjects()).toEqual(["Refresh"]);
  });

  test("is left as it is by a second one", async () => {
    const run = await publish({ change: "refresh" });
    expect(run).toMatchObject({ exitCode: 0, outputs: { changed: "false" } });
    expect(await subjects()).toEqual(["Refresh"]);
  });

  test("forbids a version, and allows it again", async () => {
    await release("v1.0.0");
    const run = await publish({ change: "block", version: "v1.0.0", reason: "loses its clock" });
    expect(run.exitCode, run.lines.join("\n")).toBe(0);
    expect(run.summary).toContain("loses its clock");
    expect((await publish({ change: "unblock", version: "v1.0.0" })).exitCode).toBe(0);
    expect(await subjects()).toEqual(["Unblock 1.0.0", "Block 1.0.0", "Release v1.0.0", "Refresh"]);
  });

  test("names no release that is not published", async () => {
    const run = await publish({ change: "release", version: "v9.9.9" });
    expect(run.exitCode).toBe(1);
    expect(run.lines.join("\n")).toContain("no release v9.9.9 is published in github.com/someone/cluster");
    expect(await subjects()).toHaveLength(4);
  });

  test("waits for a signature where the targets key is elsewhere, and is approved where it is", async () => {
    const { PI_KEY_ONLINE = "" } = cluster.secrets;
    const block = { change: "block", version: "v1.0.0", reason: "again" };
    const run = await publish(block, { PI_KEY_ONLINE });
    expect(run.exitCode, run.lines.join("\n")).toBe(0);
    expect(run.summary).not.toContain("| again |");
    const approved = await publish({ change: "approve" });
    expect(approved.exitCode, approved.lines.join("\n")).toBe(0);
    expect(approved.summary).toContain("| again |");
  });

  test("is refused to sign with nothing, and no secret is ever said", async () => {
    const run = await publish({ change: "refresh", force: "true" }, {});
    expect(run.exitCode).toBe(1);
    expect(run.lines.join("\n")).toContain("signing timestamp takes 1 online key");
    const all = (await publish({ change: "refresh", force: "true" })).lines.join("\n");
    expect(all).not.toContain(github.token);
    expect(all).not.toContain("PRIVATE");
  });

  test("is as it was where the job is cancelled while git pushes, and nothing of it stays on the runner", async () => {
    const hook = join(cluster.remote, "hooks", "pre-receive");
    await writeFile(hook, "#!/bin/sh\ntouch pushing\nsleep 60\n", { mode: 0o755 });
    const before = await subjects();
    try {
      const step = await startAction("publish-manifest", {
        inputs: { token: github.token, remote: cluster.remote, change: "refresh", force: "true" },
        ...{ folder: files, workspace: cluster.workspace },
        env: {
          ...{ GITHUB_REPOSITORY: "someone/cluster", GITHUB_API_URL: github.apiUrl },
          ...cluster.secrets,
        },
      });
      const pushing = join(cluster.remote, "pushing");
      await vi.waitFor(() => access(pushing), { timeout: 30_000, interval: 50 });
      expect(await step.cancel(), step.output()).toMatchObject({ by: "SIGINT", exitCode: 1 });
      expect(step.output()).toContain("stopped: nothing half made is left");
    } finally {
      await rm(hook);
    }
    expect(await readdir(join(files, "temp", "home-pi-manifest"))).toEqual([]);
    expect(await subjects()).toEqual(before);
    expect((await publish({ change: "refresh", force: "true" })).exitCode).toBe(0);
    expect(await subjects()).toEqual(["Refresh", ...before]);
  });

  test.each([
    [{}, "input `change`: is required"],
    [{ change: "forget" }, "not `forget`"],
    [{ change: "block", reason: "x" }, "needs the input `version`"],
    [{ change: "block", version: "v1.0.0" }, "needs the input `reason`"],
    [{ change: "refresh", version: "v1.0.0" }, "takes no `version`"],
    [{ change: "unblock", version: "v1.0.0", profile: "agent" }, "neither `reason` nor `profile`"],
    [{ change: "release", version: "1.0" }, "is no version"],
  ])("%j is refused before anything is read", async (inputs, message) => {
    const before = github.exchanges.length;
    const run = await publish(inputs);
    expect(run.exitCode).toBe(1);
    expect(run.lines[0]).toMatch(/^::error::/);
    expect(run.lines.join("\n")).toContain(message);
    expect(github.exchanges).toHaveLength(before);
  });
});

test("git logs in at our own server only, and no address holds the token", () => {
  const own = gitLogin("https://github.com/a/b.git", "https://github.com", "secret");
  expect(own.GIT_CONFIG_KEY_0).toBe("http.https://github.com/.extraheader");
  expect(gitLogin("https://elsewhere.example/a/b.git", "https://github.com", "secret")).toEqual({});
  expect(gitLogin("https://github.com.evil.example/a", "https://github.com", "secret")).toEqual({});
});
