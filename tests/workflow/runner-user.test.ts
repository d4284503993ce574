import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { realWorld } from "../../lib/external/world.ts";
import { type ActResult, runAct } from "../../workbench/act.ts";
import { actBinary } from "../../workbench/act-binary.ts";
import { takeBack } from "../../workbench/runner/user.ts";
import { commitFiles, git } from "../contract/actions/repository.ts";

const cacheDir = join(import.meta.dirname, "..", "..", "node_modules", ".cache");
const world = realWorld(new AbortController().signal);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "runner-user-"));
  await chmod(folder, 0o755);
  await mkdir(join(folder, "repository"));
  await git(join(folder, "repository"), "init", "-q");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function runSteps(
  steps: readonly string[],
  { signal = world.signal, writes = [] }: { signal?: AbortSignal; writes?: readonly string[] } = {},
): Promise<ActResult> {
  const repository = join(folder, "repository");
  const workflow = ".github/workflows/who.yml";
  const text = JSON.stringify({
    on: "push",
    jobs: { who: { "runs-on": "ubuntu-24.04", steps: steps.map((run) => ({ run })) } },
  });
  await commitFiles(repository, { [workflow]: text });
  return runAct(
    {
      ...{ binary: await actBinary(cacheDir, world), repository, workflow, event: "push", payload: {} },
      ...{ runner: { cacheDir, writes }, scratch: join(folder, "scratch"), timeoutMs: 60_000 },
      secrets: { PASSPHRASE: "of nobody else" },
    },
    { ...world, signal },
  );
}

/** Command lines of the processes that work below a folder. */
async function runningIn(path: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(join("/proc", pid, "cwd")).catch(() => "");
      const line = await readFile(join("/proc", pid, "cmdline"), "utf8").catch(() => "");
      return cwd.startsWith(path) ? line.replaceAll("\0", " ").trim() : "";
    }),
  );
  return lines.filter((line) => line !== "");
}

describe.runIf(process.getuid?.() === 0)("jobs that run as a hosted runner's user", () => {
  test("are not root, and become it through sudo without a password", async () => {
    const run = await runSteps([
      'echo "I am $(id --user --name), $USER, of $(id --groups --name)"',
      'echo "sudo makes me $(sudo -n id --user --name)"',
      "if cat /etc/sudoers; then exit 1; fi",
      'test -w "$HOME" && test -w .',
      'node --eval "console.log(process.version)"',
    ]);
    expect(run.succeeded, run.log).toBe(true);
    expect(run.log).toContain("I am runner, runner, of runner");
    expect(run.log).toContain("sudo makes me root");
    expect(run.log).toContain(`who: ${process.version}`);
  });

  test("change nothing of the machine, also where they may", async () => {
    const files = ["/etc/passwd", "/etc/group"];
    const before = await Promise.all(files.map((path) => readFile(path, "utf8")));
    const run = await runSteps([
      "grep '^runner:' /etc/passwd",
      // In act's own folder: it could not remove a mount in the workspace.
      "mkdir ~/mounted && sudo mount -t tmpfs private ~/mounted",
      "if sudo touch /etc/left-by-a-job; then exit 1; fi",
    ]);
    expect(run.succeeded, run.log).toBe(true);
    expect(await Promise.all(files.map((path) => readFile(path, "utf8")))).toEqual(before);
    expect(await readdir("/etc")).not.toContain("left-by-a-job");
    expect(await readFile("/proc/self/mountinfo", "utf8")).not.toContain(folder);
  });

  test("fail where they leave what the next checkout could not remove, and yet nothing stays", async () => {
    const run = await runSteps(["sudo mkdir -p left/by/root", "sudo touch left/by/root/file"]);
    expect(run.succeeded, run.log).toBe(false);
    expect(run.log).toMatch(/left\/by\/root\/file: permission denied/);
    expect(await readdir(join(folder, "scratch"))).toEqual([]);
  });

  test("write where they are let, which root can take back", async () => {
    const shared = join(folder, "shared");
    await mkdir(shared);
    const run = await runSteps([`touch ${shared}/mine`], { writes: [shared] });
    expect(run.succeeded, run.log).toBe(true);
    await takeBack(shared);
    const owner = await world.processes.run({
      argv: ["stat", "--format=%u", shared, join(shared, "mine")],
      timeoutMs: 10_000,
    });
    expect(owner.stdout).toBe("0\n0\n");
  });

  test("end with the run that is stopped, those of root's as well", async () => {
    const stop = new AbortController();
    const begun = join(folder, "begun");
    const step = `touch ${begun}; exec sleep 300`;
    const run = runSteps([`sudo sh -c '${step}'`], { signal: stop.signal });
    const ended = run.then(
      () => "ended by itself",
      (error: unknown) => error,
    );
    await vi.waitFor(() => readFile(begun), { timeout: 30_000, interval: 50 });
    expect(await runningIn(folder)).not.toEqual([]);
    stop.abort();
    expect(await ended).toMatchObject({ code: "INTERRUPTED" });
    expect(await runningIn(folder)).toEqual([]);
    expect(await readdir(join(folder, "scratch"))).toEqual([]);
  });

  test("are told of a checkout the user cannot reach", async () => {
    await chmod(folder, 0o700);
    await expect(runSteps(["true"])).rejects.toMatchObject({
      code: "RUNNER",
      message: expect.stringContaining(join(folder, "repository")),
    });
  });
});
