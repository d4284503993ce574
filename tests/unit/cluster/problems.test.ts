import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDefinition } from "../../../lib/cluster/check.ts";
import { DefinitionError, definitionCodes, formatProblem } from "../../../lib/cluster/failure.ts";
import { loadDefinition } from "../../../lib/cluster/load.ts";
import { readYaml } from "../../../lib/cluster/yaml-file.ts";
import { describeFailure } from "../../../lib/failure.ts";
import { definitionCases, expected, fixtures, told } from "./definition-cases.ts";

const surroundings = { boards: ["rpi-arm64"], missingRoles: new Set<string>() };
const cases = await definitionCases();

function problemsOf(text: string): string[] {
  return checkDefinition(readYaml(text, "cluster.yaml"), surroundings).problems.map(formatProblem);
}

describe("a bad definition", () => {
  it.each(cases)("tells all that is wrong: $name", async (one) => {
    expect(await told(one)).toBe(await expected(one.name));
  });

  it("has a fixture for every code", async () => {
    const lines = (await Promise.all(cases.map(({ name }) => expected(name)))).join("").split("\n");
    const covered = new Set(lines.map((line) => line.split(" ")[0]));
    expect(definitionCodes.filter((code) => !covered.has(code))).toEqual([]);
  });

  it("has a case for every expected text", async () => {
    const texts = (await readdir(fixtures)).filter((file) => file.endsWith(".expected"));
    expect(texts.sort()).toEqual(cases.map(({ name }) => `${name}.expected`).sort());
  });

  it("is one failure whose details are the problems in the order of the file", async () => {
    const error = await loadDefinition(fixtures, join(fixtures, "wrong-value.yaml")).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(DefinitionError);
    expect(error).toMatchObject({
      code: "WRONG_VALUE",
      message: "5 problems",
      place: { file: "wrong-value.yaml" },
    });
    const [head, first, ...others] = describeFailure(error);
    expect(head).toBe("wrong-value.yaml: 5 problems");
    expect(first).toBe(
      `  wrong-value.yaml:2:20: "beat" is not allowed in update.channel (did you mean "beta"?)`,
    );
    expect(others).toHaveLength(4);
  });

  it("has the same places with Windows line ends and a byte order mark", async () => {
    const text = await readFile(join(fixtures, "wrong-value.yaml"), "utf8");
    expect(problemsOf(text.replaceAll("\n", "\r\n"))).toEqual(problemsOf(text));
    const marked = problemsOf(`\uFEFF${text}`);
    expect(marked).toHaveLength(5);
    expect(marked).toEqual(problemsOf(text));
  });

  it("places a value that came through an anchor or a merge where it is written", () => {
    const text = [
      "cluster: home",
      "profiles:",
      "  node: &node { board: rpi-arm64, role: boss }",
      "  agent: { <<: *node, packages: &list [Vim] }",
      "  server: { <<: [*node], packages: *list }",
    ].join("\n");
    const places = problemsOf(text).map((line) => line.split(" ")[0]);
    expect(new Set(places)).toEqual(new Set(["cluster.yaml:3:41:", "cluster.yaml:4:40:"]));
  });

  it("never shows a private key, wherever it was put", () => {
    const key = `"-----BEGIN OPENSSH PRIVATE KEY-----\\nc2VjcmV0"`;
    const profiles = "profiles: { agent: { board: rpi-arm64 } }";
    for (const text of [
      `cluster: home\n${profiles}\nnodes: { pi-1: { profile: agent, ssh: ${key} } }`,
      `cluster: home\n${profiles}\nnodes: { pi-1: { profile: agent, ssh: [${key}] } }`,
      `cluster: home\n${profiles}\nnodes: { pi-1: ${key} }`,
      `cluster: home\nupdate: { mode: ${key} }\n${profiles}`,
    ]) {
      const { problems } = checkDefinition(readYaml(text, "cluster.yaml"), surroundings);
      expect(problems).toHaveLength(1);
      expect(JSON.stringify(problems)).not.toContain("c2Vjcm");
    }
  });

  it("takes a long chain of aliases and deep nesting without falling over", () => {
    const chain = Array.from({ length: 5_000 }, (_, i) => `x${i + 1}: &a${i + 1} [*a${i}]`).join("\n");
    expect(problemsOf(`x0: &a0 1\n${chain}`).join()).toContain("aliases make more than");
    for (const depth of [100, 1_000, 10_000]) {
      expect(problemsOf(`cluster: ${"[".repeat(depth)}${"]".repeat(depth)}`).join()).toContain(
        "nested too deeply",
      );
    }
  });
});
