import { chmod, cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Bench } from "../../lib/emulator/disk.ts";
import { withScratch } from "../../lib/external/scratch.ts";
import { WorkbenchError } from "../../workbench/act-binary.ts";
import { openRunner, type RunnerUser } from "../../workbench/runner/user.ts";
import { root, runAction } from "../contract/actions/run-action.ts";
import { type RunningAction, startAction } from "../contract/actions/running-action.ts";
import { type ControlGroup, makeControlGroup } from "./control-group.ts";
import { leftovers } from "./leftovers.ts";
import { type ScratchCache, scratchCache } from "./scratch-cache.ts";
import { makeStandInImage } from "./stand-in-image.ts";
import { cacheDir, testTools, world } from "./surroundings.ts";

const able = cacheDir !== undefined && process.getuid?.() === 0;
/** A node that starts and then says nothing. */
const SILENT = 'echo "Starting kernel ..."\nwhile true; do sleep 1; done\n';

describe.runIf(able)("a step of a job that is cancelled, with the runner's patience", () => {
  let at: ScratchCache;
  let workspace: string;
  let group: ControlGroup;
  let count = 0;
  beforeAll(async () => {
    at = await scratchCache(cacheDir ?? "");
    workspace = join(at.out, "workspace");
    await mkdir(workspace, { recursive: true });
    await cp(join(root, "cluster.yaml"), join(workspace, "cluster.yaml"));
  });
  afterEach(() => group.remove());
  afterAll(() => at.remove());

  const runner = (name: string): string => join(at.temporary, name);

  async function begin(
    name: string,
    inputs: Readonly<Record<string, string>>,
    who: { readonly user?: RunnerUser } = {},
  ): Promise<RunningAction> {
    count += 1;
    group = await makeControlGroup(`home-pi-cancel-${process.pid}-${count}`);
    await rm(runner(name), { recursive: true, force: true });
    await mkdir(runner(name));
    const given = { "cache-dir": at.cache, ...inputs };
    const step = await startAction(name, { inputs: given, folder: runner(name), workspace, ...who });
    await group.join(step.pid);
    return step;
  }

  const started = (step: RunningAction, program: string): Promise<void> =>
    step.reached(program, async () =>
      [...(await group.members()).values()].some((name) => name.startsWith(program)),
    );

  /** What is left on the machine, processes of the step included. */
  async function traces(cache = at.cache): Promise<string[]> {
    const members = [...(await group.members()).values()].map((name) => `process ${name}`);
    return [...members, ...(await leftovers(cache))];
  }

  /** What setup-builder does behind every job, cancelled or not. */
  async function post(cache = at.cache): Promise<void> {
    const env = { STATE_begun: "yes" };
    await mkdir(runner("post"), { recursive: true });
    const ended = await runAction("setup-builder", { "cache-dir": cache }, runner("post"), workspace, env);
    expect(ended.exitCode, ended.lines.join("\n")).toBe(0);
  }

  /** The kernel ends what a killed process started, in milliseconds on an idle machine. */
  async function untilGone(): Promise<void> {
    for (let tries = 0; tries < 500 && (await group.members()).size > 0; tries += 1) await sleep(10);
    expect([...(await group.members()).values()]).toEqual([]);
  }

  test("build-image in the playbook ends at the first signal and leaves nothing", async () => {
    await at.without("builds");
    const step = await begin("build-image", { id: "agent-rpi-arm64" });
    await step.printed("TASK [ssh :");
    const ended = await step.cancel();
    expect(ended, step.output().slice(-1500)).toMatchObject({ by: "SIGINT", exitCode: 1 });
    expect(step.output()).toContain("stopped: nothing half made is left");
    expect(await traces()).toEqual([]);
    await post();
    expect(await traces()).toEqual([]);
  });

  test("build-image of a user with sudo ends no other way, cancelled or killed, and nothing is left", async (context) => {
    await at.without("builds");
    await withScratch(tmpdir(), "cancelled-user-", async (folder) => {
      for (const path of [dirname(at.cache), at.temporary, at.out]) await chmod(path, 0o755);
      const cacheDir = join(root, "node_modules", ".cache");
      const wanted = { folder, cacheDir, programs: [process.execPath], reads: [join(root, "actions")] };
      const user = await openRunner(wanted, world).catch((error: unknown) =>
        // In the home of somebody who lets nobody in.
        error instanceof WorkbenchError && error.code === "RUNNER"
          ? context.skip(error.message)
          : Promise.reject(error),
      );
      const step = await begin("build-image", { id: "agent-rpi-arm64" }, { user });
      await step.printed("TASK [ssh :");
      expect([...(await group.members()).values()].join("\n")).toMatch(/^sudo/m);
      const ended = await step.cancel();
      expect(ended, step.output().slice(-1500)).toMatchObject({ by: "SIGINT", exitCode: 1 });
      expect(step.output()).toContain("stopped: nothing half made is left");
      expect(await traces()).toEqual([]);
      await group.remove();

      // The runner's last resort reaches the user's process only: root's hears that the line to it has ended.
      const killed = await begin("build-image", { id: "agent-rpi-arm64" }, { user });
      await killed.printed("TASK [ssh :");
      await killed.kill();
      await vi.waitFor(async () => expect(await traces()).toEqual([]), { timeout: 20_000, interval: 100 });
    });
  });

  test("build-image, killed there, leaves what the post step removes: files and an interpreter", async () => {
    const step = await begin("build-image", { id: "agent-rpi-arm64" });
    await step.printed("TASK [ssh :");
    await step.kill();
    await untilGone();
    const left = await traces();
    expect(left.filter((thing) => thing.startsWith("half-made builds/"))).toHaveLength(1);
    if (process.arch !== "arm64") expect(left.join("\n")).toContain("binfmt entry home-pi-");
    expect(left.filter((thing) => /^(mount|loop|process)/.test(thing))).toEqual([]);
    await post();
    expect(await traces()).toEqual([]);
  });

  test("setup-builder ends at the first signal in the middle of the tools, and leaves nothing", async () => {
    const empty = join(at.temporary, "empty-cache");
    const step = await begin("setup-builder", { "cache-dir": empty, "free-disk": "1" });
    await started(step, "mmdebstrap");
    await sleep(3_000);
    expect(await step.cancel(), step.output().slice(-1500)).toMatchObject({ by: "SIGINT", exitCode: 1 });
    expect(await traces(empty)).toEqual([]);
  });

  test("setup-builder, killed there, leaves files that its own post step removes", async () => {
    const empty = join(at.temporary, "empty-cache");
    const step = await begin("setup-builder", { "cache-dir": empty, "free-disk": "1" });
    await started(step, "mmdebstrap");
    await sleep(3_000);
    await step.kill();
    await untilGone();
    expect((await traces(empty)).map((thing) => thing.replace(/\/.*/, ""))).toEqual(["half-made tools"]);
    await post(empty);
    expect(await traces(empty)).toEqual([]);
  });

  /** U-Boot has come as far as its script says. */
  const booting = (step: RunningAction): Promise<void> =>
    step.reached("a node that starts", async () => {
      const log = join(runner("boot-image"), "temp", "home-pi-boot", "silent-virt", "console.log");
      return (await readFile(log, "utf8").catch(() => "")).includes("Starting kernel ...");
    });

  async function silentImage(): Promise<string> {
    const tools = await testTools();
    if (tools === undefined) throw new Error("no tools");
    const bench: Bench = { tools, world, work: at.out };
    return makeStandInImage(bench, "silent", SILENT);
  }

  test("boot-image ends the machine at the first signal, and its card is gone", async () => {
    const step = await begin("boot-image", { image: await silentImage(), machine: "virt" });
    await booting(step);
    expect(await step.cancel(), step.output().slice(-1500)).toMatchObject({ by: "SIGINT", exitCode: 1 });
    expect(await traces()).toEqual([]);
    expect(await readdir(join(runner("boot-image"), "temp", "home-pi-card"))).toEqual([]);
  });

  test("boot-image, killed, takes its machine along", async () => {
    const step = await begin("boot-image", { image: await silentImage(), machine: "virt" });
    await booting(step);
    await step.kill();
    await untilGone();
    await post();
    expect(await traces()).toEqual([]);
  });
});
