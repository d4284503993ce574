import { mkdir, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startGithub } from "../../../workbench/github/server.ts";
import { commitFiles, git } from "./repository.ts";
import { runAction } from "./run-action.ts";

const definition = (agentPackages: string): string => `cluster: home
base: { suite: trixie }
profiles:
  node: { abstract: true, board: rpi-arm64 }
  server: { extends: node, role: server, packages: [jq] }
  agent: { extends: node, role: agent, packages: [${agentPackages}] }
nodes: {}
`;

// Another repository, which has a definition and nothing else of ours.
let folder: string;
let workspace: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "compile-")));
  workspace = join(folder, "workspace");
  await mkdir(workspace);
  await git(workspace, "init", "-q");
  await commitFiles(workspace, { "cluster.yaml": definition("htop") });
});
afterEach(() => rm(folder, { recursive: true }));

const compile = (inputs: Record<string, string> = {}, env: Record<string, string> = {}) =>
  runAction("compile-profiles", inputs, folder, workspace, env);
const idsOf = (matrix: string | undefined): string[] =>
  (JSON.parse(matrix ?? "{}") as { include: { id: string }[] }).include.map(({ id }) => id);

describe("compile-profiles", () => {
  test("gives every build, the plan and a table", async () => {
    const { exitCode, outputs, summary } = await compile();
    expect(exitCode).toBe(0);
    expect(idsOf(outputs.matrix)).toEqual(["server-rpi-arm64", "agent-rpi-arm64"]);
    expect(outputs.any).toBe("true");
    const plan = JSON.parse(await readFile(outputs.plan ?? "", "utf8")) as { builds: { buildId: string }[] };
    expect(plan.builds[0]?.buildId).toMatch(/^[0-9a-f]{64}$/);
    expect(summary).toContain("2 of 2 images to build");
    expect(summary).toContain(plan.builds[0]?.buildId.slice(0, 12));
    expect(summary).toContain("Whether one is taken from the cache");
  });

  test("selects what a commit changed, and says why", async () => {
    await commitFiles(workspace, { "cluster.yaml": definition("htop, nmap") });
    const { outputs, lines, summary } = await compile({ "affected-since": "HEAD^1" });
    expect(idsOf(outputs.matrix)).toEqual(["agent-rpi-arm64"]);
    expect(lines).toEqual(["server-rpi-arm64: unchanged", "agent-rpi-arm64: changed: definition"]);
    expect(outputs.since).toBe(await git(workspace, "rev-parse", "HEAD^1"));
    expect(summary).toContain("1 of 2 images to build");
  });

  test("selects nothing where nothing that shapes an image changed", async () => {
    await commitFiles(workspace, {
      "README.md": "new",
      "cluster.yaml": `# a comment\n${definition("htop")}`,
    });
    const { exitCode, outputs } = await compile({ "affected-since": "HEAD^1" });
    expect([exitCode, outputs.any, outputs.matrix]).toEqual([0, "false", '{"include":[]}']);
  });

  test("selects everything where the other state has no sound definition, and warns", async () => {
    await commitFiles(workspace, { "cluster.yaml": "cluster: [\n" });
    await commitFiles(workspace, { "cluster.yaml": definition("htop") });
    const { outputs, lines } = await compile({ "affected-since": "HEAD^1" });
    expect(idsOf(outputs.matrix)).toHaveLength(2);
    expect(lines[0]).toMatch(/^::warning::the definition of HEAD\^1 does not compile/);
  });

  test("compares with another checkout, and finds the definition in a folder of its own", async () => {
    await commitFiles(workspace, { "pis/home.yaml": definition("htop") });
    const before = join(folder, "before");
    await git(folder, "clone", "-q", workspace, before);
    await commitFiles(workspace, { "pis/home.yaml": definition("nmap") });
    const { outputs } = await compile({ definition: "pis/home.yaml", "affected-since": "../before" });
    expect(idsOf(outputs.matrix)).toEqual(["agent-rpi-arm64"]);
    expect(outputs.since).toBe("");
  });

  test("selects named profiles", async () => {
    const { outputs } = await compile({ profiles: " server,\n" });
    expect(idsOf(outputs.matrix)).toEqual(["server-rpi-arm64"]);
  });

  test("refuses a version below the published ones, and says where nobody could be asked", async () => {
    const github = await startGithub();
    try {
      const fields = { target: "d".repeat(40), name: "", body: "", assets: [] };
      const flags = { draft: false, prerelease: false, immutable: false };
      github.repository.releases.push({ id: 1, tag: "v1.1.0", ...fields, ...flags });
      const env = {
        ...{ GITHUB_REPOSITORY: "someone/cluster", GITHUB_SHA: "c".repeat(40) },
        ...{ GITHUB_API_URL: github.apiUrl },
      };
      const asked = await compile({ version: "v1.0.5", token: github.token }, env);
      expect([asked.exitCode, asked.outputs]).toEqual([1, {}]);
      expect(asked.lines).toEqual([expect.stringMatching(/^::error::v1\.0\.5 comes before v1\.1\.0/)]);
      const alone = await compile({ version: "v1.0.5" }, env);
      expect(alone.exitCode).toBe(0);
      expect(alone.lines.join("\n")).toContain("there is no token");
    } finally {
      await github.close();
    }
  });

  test("annotates the lines of a broken definition, ten at most, and lists all in log and summary", async () => {
    const wrong = Array.from({ length: 12 }, (_, at) => `  bad${at}: { extends: nobody${at} }\n`).join("");
    await commitFiles(workspace, { "cluster.yaml": definition("htop").replace("nodes:", `${wrong}nodes:`) });
    const { exitCode, lines, summary, outputs } = await compile({ "affected-since": "HEAD^1" });
    expect(exitCode).toBe(1);
    const annotations = lines.filter((line) => line.startsWith("::error "));
    expect(annotations).toHaveLength(10);
    expect(annotations[0]).toMatch(/^::error file=cluster\.yaml,line=7,col=\d+::.*nobody0/);
    for (let at = 0; at < 12; at += 1) {
      expect(lines.join("\n")).toContain(`"nobody${at}"`);
      expect(summary).toContain(`"nobody${at}"`);
    }
    expect(outputs).toEqual({});
  });

  test.each([
    [{ definition: "no.yaml" }, /^::error file=no\.yaml::no such file/],
    [
      { "affected-since": "HEAD", profiles: "agent" },
      /contradict each other%0A {2}fix: leave one of them out/,
    ],
    [{ profiles: "agnet" }, /no build for agnet%0A {2}fix: choose among server, agent/],
    [{ "affected-since": "v1.0.0" }, /v1\.0\.0 is not in this checkout%0A {2}fix: set `fetch-depth/],
    [{ "affected-since": "./before" }, /there is no folder .*before%0A {2}fix: check the other state out/],
  ])("refuses %j with what to do", async (inputs, expected) => {
    const { exitCode, lines, outputs } = await compile(inputs);
    expect(exitCode).toBe(1);
    expect(lines).toEqual([expect.stringMatching(expected)]);
    expect(outputs).toEqual({});
  });
});
