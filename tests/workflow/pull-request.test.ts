import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyRepository, openPullRequest, type Scenario } from "./scenario.ts";

const SECONDS = 1_000;

let scenario: Scenario;
let definition: string;
beforeAll(async () => {
  scenario = await copyRepository();
  definition = await readFile(join(scenario.repository, "cluster.yaml"), "utf8");
});
afterAll(() => scenario.remove());

/** The definition with one text replaced, which must be there exactly once, and the line it is in. */
function change(from: string, to: string): { text: string; line: number } {
  const [before = "", ...after] = definition.split(from);
  if (after.length !== 1) throw new Error(`cluster.yaml has ${JSON.stringify(from)} ${after.length} times`);
  return { text: `${before}${to}${after[0]}`, line: before.split("\n").length };
}

const results = (run: { jobs: readonly { job: string; result: string }[] }): Record<string, string> =>
  Object.fromEntries(run.jobs.map(({ job, result }) => [job, result]));

describe("a pull request", () => {
  test("that breaks the definition fails in seconds, at the line", async () => {
    const broken = change("packages: [ethtool]", "packages: [ethtool]\n    rule: agent");
    const run = await openPullRequest(scenario, { "cluster.yaml": broken.text });
    expect(run.succeeded).toBe(false);
    expect(run.durationMs).toBeLessThan(20 * SECONDS);
    expect(run.annotations[0], run.log).toMatchObject({
      level: "error",
      file: "cluster.yaml",
      line: broken.line + 1,
      text: expect.stringContaining("rule"),
    });
    expect(run.summaries.join("\n")).toContain(`cluster.yaml:${broken.line + 1}`);
    expect(results(run)).toEqual({ compile: "failure", "all-green": "failure" });
  });

  test("that touches only the documentation builds nothing and is green", async () => {
    const run = await openPullRequest(scenario, { "docs/new-page.md": "# New\n" });
    expect(run.outputs["compile.compile.any"], run.log).toBe("false");
    expect(results(run)).toEqual({ compile: "success", "all-green": "success" });
    expect(run.succeeded).toBe(true);
  });

  test("that changes the agent's packages selects the agent alone", async () => {
    const changed = change("packages: [ethtool]", "packages: [ethtool, tree]");
    const run = await openPullRequest(scenario, { "cluster.yaml": changed.text }, { job: "compile" });
    expect(JSON.parse(run.outputs["compile.compile.matrix"] ?? "{}"), run.log).toEqual({
      include: [{ id: "agent-rpi-arm64", profile: "agent", board: "rpi-arm64" }],
    });
    expect(run.summaries.join("\n")).toContain("changed: definition");
  });

  test("that changes a task every node has selects every image", async () => {
    const path = "ansible/site.yml";
    const playbook = await readFile(join(scenario.repository, path), "utf8");
    const run = await openPullRequest(scenario, { [path]: `${playbook}# changed\n` }, { job: "compile" });
    const { include } = JSON.parse(run.outputs["compile.compile.matrix"] ?? "{}") as {
      include: { id: string }[];
    };
    expect(
      include.map(({ id }) => id),
      run.log,
    ).toEqual(["server-rpi-arm64", "agent-rpi-arm64"]);
    expect(run.summaries.join("\n")).toContain("changed: playbook");
  });
});
