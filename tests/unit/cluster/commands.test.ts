import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CliContext } from "../../../cli/context.ts";
import { register as registerIdentity } from "../../../cli/identity.ts";
import { makePlan, register as registerPlan } from "../../../cli/plan.ts";
import { DefinitionError } from "../../../lib/cluster/failure.ts";
import { resolvedKey, writeRecord, writeResolved } from "../../../lib/cluster/records.ts";
import { realWorld } from "../../../lib/external/world.ts";
import { fixtures } from "./definition-cases.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
let project: string;
let cacheDir: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "commands-"));
  cacheDir = join(project, "cache");
  await cp(join(fixtures, "good"), project, { recursive: true });
});
afterEach(() => rm(project, { recursive: true }));

/** What a command prints to standard output. */
async function pi(...argv: string[]): Promise<string> {
  const printed: string[] = [];
  const unused = (): never => {
    throw new Error("a plan has no steps");
  };
  const context: CliContext = {
    project,
    cacheDir,
    world: realWorld(new AbortController().signal),
    reporter: { step: unused, info: unused, warn: unused, error: unused },
    print: (text) => void printed.push(text),
  };
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  registerPlan(program, context);
  registerIdentity(program, context);
  await program.parseAsync(argv, { from: "user" });
  return printed.join("");
}

async function resolvePackages(): Promise<void> {
  const { plan } = await makePlan({ project, cacheDir });
  const base = { suite: "trixie", snapshot: "20261115T000000Z" } as const;
  for (const build of plan.builds)
    await writeResolved(cacheDir, resolvedKey({ ...build, base }), "1".repeat(64));
}

describe("pi plan", () => {
  it("shows a table; ids of unresolved packages are marked", async () => {
    const lines = (await pi("plan")).split("\n");
    expect(lines[0]?.split(/ {2,}/)).toEqual(["profile", "board", "builder", "build id", "state"]);
    expect(lines[1]).toMatch(/^server {3}rpi-arm64 {2}chroot {3}[0-9a-f]{12}\* {2}new$/);
    expect(lines.slice(4)).toEqual([
      "",
      "* provisional: ./pi build asks the archive for the package versions first",
      "",
    ]);
  });

  it("shows what is cached and what changed since the last build", async () => {
    await resolvePackages();
    const { plan } = await makePlan({ project, cacheDir });
    for (const { id, buildId, inputs } of plan.builds) {
      await writeRecord(cacheDir, plan.cluster, id, { buildId, inputs, finishedAt: "2026-11-15T00:00:00Z" });
      await mkdir(join(cacheDir, "builds", buildId), { recursive: true });
      await writeFile(join(cacheDir, "builds", buildId, "done.json"), "{}");
    }
    expect(await pi("plan")).not.toContain("*");
    expect((await pi("plan")).match(/ cached$/gm)).toHaveLength(3);
    await writeFile(join(project, "my-role", "tasks", "main.yml"), "[] # changed\n");
    const states = (await pi("plan")).split("\n").map((line) => line.split(/ {2,}/)[4]);
    expect(states.slice(1, 4)).toEqual(["changed: role ./my-role", "changed: role ./my-role", "cached"]);
  });

  it("prints the machine form", async () => {
    await resolvePackages();
    const report = JSON.parse(await pi("plan", "--json", "--builder", "packer"));
    expect(report).toMatchObject({ version: 1, cluster: "home" });
    expect(report.builds).toHaveLength(3);
    expect(report.builds[0]).toMatchObject({
      id: "server-rpi-arm64",
      builder: "packer",
      state: "new",
      resolved: true,
      buildId: expect.stringMatching(/^[0-9a-f]{64}$/),
      inputs: { packages: "1".repeat(64) },
    });
  });

  it("refuses another builder", async () => {
    await expect(pi("plan", "--builder", "docker")).rejects.toThrow(/chroot, packer/);
  });

  it("reads another file, and fails with its problems", async () => {
    const file = join(project, "other.yaml");
    await writeFile(file, "cluster: home\nprofiles: { agent: { board: rpi } }\n");
    await expect(pi("plan", "--file", file)).rejects.toThrow(DefinitionError);
  });

  it("plans the example of this repository: two profiles that differ in a package", async () => {
    const { plan } = await makePlan({ project: repository, cacheDir });
    const [server, agent] = plan.builds;
    expect(plan.builds).toHaveLength(2);
    expect([server?.profile, agent?.profile]).toEqual(["server", "agent"]);
    expect(server?.packages).not.toEqual(agent?.packages);
    expect(server?.buildId).not.toBe(agent?.buildId);
  });
});

describe("pi identity", () => {
  it("prints the identity of a node of cluster.yaml", async () => {
    expect(await pi("identity", "pi-2")).toContain("\nhostname: pi-2\nssh: []\n");
  });

  it("suggests the nearest node", async () => {
    await expect(pi("identity", "pi2")).rejects.toMatchObject({
      details: [`cluster.yaml: unknown node "pi2" (did you mean "pi-2"?)`],
    });
  });
});
