import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";

const HERE = import.meta.dirname;
// What a node runs is Python and shell, and so are the tests of it; this runs them with the others.
const suites = readdirSync(HERE).filter((name) => name.endsWith("_test.py"));
const NEEDS_YAML = /^identity/;
const hasYaml = spawnSync("python3", ["-c", "import yaml"]).status === 0;

function run(suite: string): { status: number | null; stderr: string } {
  return spawnSync("python3", ["-B", "-m", "unittest", suite], { cwd: HERE, encoding: "utf8" });
}

describe("Python scripts of a node", () => {
  test("there are suites to run", () => {
    expect(suites.length).toBeGreaterThanOrEqual(6);
  });

  test.for(suites.filter((suite) => hasYaml || !NEEDS_YAML.test(suite)))("%s", (suite) => {
    const done = run(suite);
    expect(done.stderr).toMatch(/\nRan [1-9]\d* tests? in /);
    expect(done.status, done.stderr).toBe(0);
  });

  if (!hasYaml) test.skip("the identity suites, which need Debian's package python3-yaml");
});

describe("shell scripts of a node", () => {
  const roles = `${HERE}/../../../ansible/roles`;
  const found = execFileSync("grep", ["-rlE", "^#!/bin/sh", "--include=*", roles], { encoding: "utf8" });
  const scripts = found.trim().split("\n");

  test.for(scripts.map((path) => [path.slice(roles.length + 1), path] as const))("%s parses", ([, path]) => {
    expect(spawnSync("sh", ["-n", path], { encoding: "utf8" }).stderr).toBe("");
  });
});
