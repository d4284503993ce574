import { mkdtemp, readdir, readFile, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { processes } from "../../lib/external/process.ts";
import { leftovers } from "./leftovers.ts";
import { copyProject, type ProjectCopy, put } from "./project-copy.ts";
import { cacheDir } from "./surroundings.ts";

const cache = cacheDir ?? "";
const AGENT = "    packages: [ethtool]\n";

async function change(copy: ProjectCopy, path: string, from: string, to: string): Promise<void> {
  const text = await readFile(join(copy.folder, path), "utf8");
  expect(text.split(from)).toHaveLength(2);
  await put(copy, path, text.replace(from, to));
}

describe.runIf(cacheDir !== undefined)("./pi build, with both images in the cache", () => {
  let copy: ProjectCopy;
  beforeEach(async () => {
    copy = await copyProject(cache);
  });
  afterEach(async () => {
    expect(await leftovers(cache)).toEqual([]);
    await copy.remove();
  });

  test("builds nothing when nothing changed, from another folder too", async () => {
    const result = await copy.pi(["build"]);
    expect(result, result.output).toMatchObject({ exitCode: 0, steps: [] });
    expect(result.output).toMatch(/server-rpi-arm64 .*unchanged/);
    expect(result.output).toMatch(/agent-rpi-arm64 .*unchanged/);
  });

  test("takes the base from the cache when a task of the playbook changed", async () => {
    const tasks = "ansible/roles/journal/tasks/main.yml";
    await put(copy, tasks, `${await readFile(join(copy.folder, tasks), "utf8")}\n# Changed ${Date.now()}\n`);
    const result = await copy.pi(["build", "agent"]);
    expect(result.exitCode, result.output).toBe(0);
    expect(result.steps).toEqual(["playbook for agent", "image of agent"]);
  });

  test("takes tools and core from the cache when a package is added, and leaves the other profile alone", async () => {
    await change(copy, "cluster.yaml", AGENT, "    packages: [ethtool, tree]\n");
    const result = await copy.pi(["build"]);
    expect(result.exitCode, result.output).toBe(0);
    // A base with this list may be there from an earlier run of this test.
    expect(["playbook for agent", "image of agent"]).toEqual(
      result.steps.filter((step) => step !== "base of agent"),
    );
    expect(result.output).toMatch(/server-rpi-arm64 .*unchanged/);
    const out = await readdir(join(copy.folder, "out"));
    const sbom = async (profile: string): Promise<string[]> => {
      const name =
        out.find((file) => file.startsWith(`home-${profile}-`) && file.endsWith(".cdx.json")) ?? "";
      const text = await readFile(join(copy.folder, "out", name), "utf8");
      return (JSON.parse(text) as { components: { name: string }[] }).components.map((part) => part.name);
    };
    expect(await sbom("agent")).toContain("tree");
    expect(await sbom("server")).not.toContain("tree");
  });

  test("names the task of a role that fails and shows its output, and keeps nothing of it", async () => {
    await change(copy, "cluster.yaml", AGENT, `${AGENT}    ansible: { roles: [./broken] }\n`);
    const task = [
      "- name: Break on purpose",
      "  ansible.builtin.command: sh -c 'echo half the story; echo the other half >&2; exit 3'",
      "  changed_when: true",
    ];
    await put(copy, "broken/tasks/main.yml", `---\n${task.join("\n")}\n`);
    const before = await readdir(join(cache, "builds"));
    const result = await copy.pi(["build", "agent"]);
    expect(result.exitCode).toBe(1);
    const said = result.output.slice(result.output.lastIndexOf("error:"));
    expect(said).toContain('task "broken : Break on purpose"');
    expect(said).toContain("broken/tasks/main.yml:2:3");
    expect(said).toContain("half the story");
    expect(said).toContain("the other half");
    expect((await readdir(join(cache, "builds"))).filter((name) => !name.endsWith(".lock"))).toEqual(
      before.filter((name) => !name.endsWith(".lock")),
    );
  });

  test("stopped in the middle of the playbook, leaves nothing, and says so", async () => {
    await change(copy, "cluster.yaml", AGENT, `${AGENT}    ansible: { vars: { stopped: ${Date.now()} } }\n`);
    const result = await copy.pi(["build", "agent", "--verbose"], {
      onLine: (line, stop) => {
        if (line.includes("TASK [ssh :")) stop();
      },
    });
    expect(result.exitCode, result.output.slice(-2000)).toBe(143);
    expect(result.output).toContain("stopped: nothing half made is left");
  });

  test("refuses a given base whose digest is another", async () => {
    const file = join(copy.folder, "some-base.tar");
    await put(copy, "some-base.tar", "not a base");
    const base = `base:\n  suite: trixie\n  url: ${pathToFileURL(file).href}\n  sha256: "${"0".repeat(64)}"\n`;
    await change(copy, "cluster.yaml", "base:\n  suite: trixie\n", base);
    const result = await copy.pi(["build", "agent"]);
    expect(result.exitCode, result.output).toBe(1);
    expect(result.output).toContain(`the definition says ${"0".repeat(64)}`);
    expect(result.output).toContain("fix: correct base.sha256");
  });

  test("says that the archive cannot be reached", async () => {
    const nowhere = "http://127.0.0.1:9";
    const result = await copy.pi(["build"], { env: { http_proxy: nowhere, https_proxy: nowhere } });
    expect(result.exitCode).toBe(1);
    expect(result.output).toContain("the Debian archive cannot be reached");
    expect(result.output).toContain("fix: check this machine's network");
  });

  test("does not trust an archive signed by a key it does not know", async () => {
    // The security archive is signed by this key alone.
    await unlink(join(copy.folder, "tools/keyring/debian-archive-trixie-security-automatic.gpg"));
    const result = await copy.pi(["build"]);
    expect(result.exitCode, result.output).toBe(1);
    expect(result.output).toContain("the archive's signature is not by a key this project trusts");
  });

  test("tells in seconds that the disk is too small", async () => {
    const small = await mkdtemp(join(tmpdir(), "small-"));
    await processes.run({
      argv: ["mount", "-t", "tmpfs", "-o", "size=200M", "tmpfs", small],
      timeoutMs: 10_000,
    });
    try {
      const result = await copy.pi(["build"], { env: { PI_CACHE: small } });
      expect(result.exitCode).toBe(1);
      expect(result.output).toMatch(/free disk: 0\.2 GiB, [\d.]+ GiB needed\. free some/);
    } finally {
      await processes.run({ argv: ["umount", small], timeoutMs: 10_000 });
      await rm(small, { recursive: true, force: true });
    }
  });
});
