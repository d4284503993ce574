import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bench } from "../../lib/emulator/disk.ts";
import { sha256OfFile } from "../../lib/external/files.ts";
import { type ActionRun, root, runAction } from "../contract/actions/run-action.ts";
import { sampleReport } from "../unit/emulator/sample-report.ts";
import { leftovers } from "./leftovers.ts";
import { GIB, lend, smallDisk } from "./small-disk.ts";
import { makeStandInImage, nodeThatSays } from "./stand-in-image.ts";
import { cacheDir, testTools, world } from "./surroundings.ts";

const MINUTES = 60_000;
const able = cacheDir !== undefined && process.getuid?.() === 0;

let folder: string;
let workspace: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "started-"));
  workspace = join(folder, "workspace");
  await mkdir(workspace);
  await cp(join(root, "cluster.yaml"), join(workspace, "cluster.yaml"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const start = (
  name: string,
  inputs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
) =>
  runAction(
    name,
    { "cache-dir": cacheDir ?? "", ...inputs },
    join(folder, name),
    workspace,
    env,
    5 * MINUTES,
  );

describe.runIf(able)("the committed bundles, started as the runner does", () => {
  test("setup-builder readies the machine, remembers that it did, and tidies up behind the job", async () => {
    await mkdir(join(folder, "setup-builder"), { recursive: true });
    const main = await start("setup-builder", { "free-disk": "1" });
    expect(main.exitCode, main.lines.join("\n")).toBe(0);
    expect(Number(main.outputs["free-bytes"])).toBeGreaterThan(2 ** 30);
    expect(main.outputs.tools).toMatch(/^[0-9a-f]{64}$/);
    expect(main.summary).toContain("### Builder");
    expect(main.state).toEqual({ begun: "yes" });
    const states = Object.entries(main.state).map(([name, value]) => [`STATE_${name}`, value]);
    const post = await start("setup-builder", { "free-disk": "1" }, Object.fromEntries(states));
    expect(post.exitCode, post.lines.join("\n")).toBe(0);
    expect(post.lines.at(-1)).toContain("nothing half made is left");
    expect(post.outputs).toEqual({});
  });

  test("setup-builder asks for no more room than a build: less for one whose tools are there", async () => {
    await mkdir(join(folder, "on-small-disk"), { recursive: true });
    const disk = await smallDisk(6 * GIB);
    const ready = (): Promise<ActionRun> =>
      runAction("setup-builder", { "cache-dir": disk.folder }, join(folder, "on-small-disk"), workspace);
    try {
      const cold = await ready();
      expect(cold.exitCode, cold.lines.join("\n")).toBe(1);
      expect(cold.lines.join("\n")).toMatch(/::error::\S+ GiB are free at .*, a build needs 8 GiB/);
      await lend(cacheDir ?? "", disk.folder, ["tools"]);
      const warm = await ready();
      expect(warm.exitCode, warm.lines.join("\n")).toBe(0);
      expect(warm.lines.join("\n")).toContain(
        "10 GiB are wanted: there is nothing to remove, and enough to build",
      );
    } finally {
      await disk.remove();
    }
  });

  test("build-image gives an image, its build id and the digests of its files", async () => {
    const built = await start("build-image", { id: "agent-rpi-arm64" });
    expect(built.exitCode, built.lines.join("\n")).toBe(0);
    const { image = "", digests = "{}", "build-id": buildId = "" } = built.outputs;
    expect(basename(image)).toBe(`home-agent-rpi-arm64-${buildId.slice(0, 12)}.img.zst`);
    expect((JSON.parse(digests) as Record<string, string>)[basename(image)]).toBe(await sha256OfFile(image));
    expect(built.summary).toContain(buildId);
    expect(built.lines.filter((line) => line.startsWith("::error"))).toEqual([]);
    expect(await leftovers(cacheDir ?? "")).toEqual([]);
  });

  test("build-image annotates the task that failed where it stands, as Ansible says under `chroot`", async () => {
    const own = join(folder, "broken-role");
    await mkdir(join(own, "roles", "broken", "tasks"), { recursive: true });
    const agent = "    packages: [ethtool]\n";
    const definition = await readFile(join(root, "cluster.yaml"), "utf8");
    expect(definition.split(agent)).toHaveLength(2);
    const changed = definition.replace(agent, `${agent}    ansible: { roles: [./roles/broken] }\n`);
    await writeFile(join(own, "cluster.yaml"), changed);
    const script = "echo half the story; echo the other half >&2; exit 3";
    await writeFile(
      join(own, "roles", "broken", "tasks", "main.yml"),
      `---\n- name: Break on purpose\n  ansible.builtin.command: sh -c '${script}'\n  changed_when: true\n`,
    );
    const inputs = { id: "agent-rpi-arm64", builder: "chroot", "cache-dir": cacheDir ?? "" };
    const runner = join(folder, "broken-role-runner");
    await mkdir(runner);
    const run = await runAction("build-image", inputs, runner, own, {}, 5 * MINUTES);
    expect(run.exitCode).toBe(1);
    const [annotation = "", ...others] = run.lines.filter((line) => line.startsWith("::error"));
    expect(others, run.lines.join("\n")).toEqual([]);
    const [properties, text = ""] = annotation.split("::").slice(1);
    expect(properties).toBe("error file=roles/broken/tasks/main.yml,line=2,col=3");
    expect(text).toContain(
      'the playbook failed for agent: task "roles/broken : Break on purpose": non-zero return code',
    );
    expect(text).toContain("%0A  half the story%0A  the other half");
    // What it printed is in the group of its step, which is closed before the annotation.
    const group = run.lines.findIndex((line) => line.startsWith("::group::playbook for agent"));
    const end = run.lines.findIndex((line, index) => index > group && line.startsWith("::endgroup::"));
    expect(run.lines.slice(group, end).join("\n")).toContain("Break on purpose]");
    expect(end).toBeLessThan(run.lines.indexOf(annotation));
    expect(run.outputs).toEqual({});
  });

  test("boot-image tells which checks an image passed, and fails with those it did not", async () => {
    const tools = await testTools();
    if (tools === undefined) throw new Error("no tools");
    const bench: Bench = { tools, world, work: folder };
    const image = await makeStandInImage(bench, "node", nodeThatSays(sampleReport()));
    const wanted = { image, machine: "virt", deadline: "5", "build-id": "f".repeat(64) };
    const booted = await start("boot-image", wanted);
    expect(booted.exitCode).toBe(1);
    expect(booted.outputs.ok).toBe("false");
    const result = JSON.parse(await readFile(booted.outputs.result ?? "", "utf8")) as {
      checks: { name: string; ok: boolean }[];
    };
    expect(result.checks.find(({ name }) => name === "build id")).toMatchObject({ ok: false });
    expect(booted.summary).toMatch(/\| build id \| FAILED \|/);
    expect(await readFile(booted.outputs["console-log"] ?? "", "utf8")).toContain("login:");
    expect(booted.lines.filter((line) => line.startsWith("::error"))).toHaveLength(1);
  });
});
