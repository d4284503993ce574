import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { read, repository, sources } from "./sources.ts";

/** How a line tells a linter to look away, and what has to follow: a reason. */
const EXCEPTIONS: readonly (readonly [tool: string, told: RegExp, withReason: RegExp])[] = [
  ["shellcheck", /# shellcheck disable=/, /# shellcheck disable=SC\d+(,SC\d+)* # (?=.*\w \w)/],
  ["biome", /biome-ignore /, /biome-ignore [\w/]+: (?=.*\w \w)/],
  ["zizmor", /# zizmor: ?ignore/, /# zizmor: ?ignore\[[\w-]+\] (?=.*\w \w)/],
  ["ansible-lint", /# noqa/, /# noqa [\w[\]-]+.* # (?=.*\w \w)/],
  ["TypeScript", /@ts-(ignore|expect-error|nocheck)/, /@ts-expect-error (?=.*\w \w)/],
];

const workflows = readdirSync(join(repository, ".github", "workflows")).map(
  (name) => `.github/workflows/${name}`,
);

/** Lines that look away without a reason, as `path:line: tool`. */
function withoutReason(path: string, text: string): string[] {
  return text
    .split("\n")
    .flatMap((line, at) =>
      EXCEPTIONS.filter(([, told, withReason]) => told.test(line) && !withReason.test(line)).map(
        ([tool]) => `${path}:${at + 1}: ${tool}`,
      ),
    );
}

/** What a settings file switches off without a comment right above or below its name. */
function unexplained(yaml: string): string[] {
  const lines = yaml.split("\n");
  return lines.filter((line, at) => {
    const settles =
      /^\s+(disable: true|ignore:)/.test(line) || /^(mock_modules|skip_list|warn_list):/.test(line);
    return settles && !/^\s*# .*\w \w/.test(lines[at - 1] ?? "");
  });
}

describe("every exception from a linter", () => {
  const own = "tests/unit/house/exceptions.test.ts";

  it("has its reason beside it", () => {
    const paths = [...sources, ...workflows].filter((path) => path !== own && !/\.(png|zst)$/.test(path));
    expect(paths.flatMap((path) => withoutReason(path, read(path)))).toEqual([]);
  });

  it.each([".github/zizmor.yml", "ansible/.ansible-lint"])("of %s as well", (path) => {
    expect(unexplained(read(path))).toEqual([]);
  });

  it.each([
    "# shellcheck disable=SC2086",
    "# shellcheck disable=SC2086 # why",
    "// biome-ignore lint/a/b: x",
    "uses: a/b@v1 # zizmor: ignore[unpinned-uses]",
    "- name: A # noqa command-instead-of-module",
    "// @ts-ignore because it is so",
  ])("is found without one: %s", (line) => {
    expect(withoutReason("a", line)).toHaveLength(1);
  });

  it("in a settings file is found without one", () => {
    expect(unexplained("rules:\n  a:\n    disable: true\n  b:\n    # it is so\n    disable: true\n")).toEqual(
      ["    disable: true"],
    );
  });
});
