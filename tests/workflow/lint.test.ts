import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realWorld } from "../../lib/external/world.ts";
import { openLanguageService } from "../../workbench/language-service.ts";
import { actionlint, shellcheck, zizmor } from "../../workbench/linters.ts";
import { pipProgram } from "../../workbench/pip-program.ts";
import { shellScripts } from "../unit/house/sources.ts";

const root = join(import.meta.dirname, "..", "..");
const cache = join(root, "node_modules", ".cache");
const world = realWorld(new AbortController().signal);
const workflows = (await readdir(join(root, ".github", "workflows"))).map(
  (name) => `.github/workflows/${name}`,
);
const actions = (await readdir(join(root, "actions")))
  .filter((name) => name !== "runner")
  .map((name) => `actions/${name}/action.yml`);

describe("GitHub's own parser", () => {
  let folder: string;
  let validate: Awaited<ReturnType<typeof openLanguageService>>;
  beforeAll(async () => {
    // Inside the project: what it does not bundle has to be found.
    await mkdir(cache, { recursive: true });
    folder = await mkdtemp(join(cache, "language-service-"));
    validate = await openLanguageService(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([...workflows, ...actions])("finds nothing wrong with %s", async (path) => {
    expect(await validate(path, await readFile(join(root, path), "utf8"))).toEqual([]);
  });

  test("would find a job that needs one that is not there, and a right that is none", async () => {
    const text = await readFile(join(root, ".github/workflows/release.yml"), "utf8");
    const wrong = text
      .replace("needs: image\n", "needs: imago\n")
      .replace("id-token: write", "id-tokens: write");
    const messages = (await validate(".github/workflows/wrong.yml", wrong)).map(({ message }) => message);
    expect(messages.join("\n")).toContain("imago");
    expect(messages.join("\n")).toContain("id-tokens");
  });
});

test("zizmor, in its strictest mode, finds nothing it was not told to leave", async () => {
  const binary = await pipProgram(zizmor, cache, world);
  const { stdout } = await world.processes.run({
    argv: [binary, "--offline", "--persona", "pedantic", "--format", "json", ".github/workflows", "actions"],
    cwd: root,
    timeoutMs: 60_000,
    accept: [0, 11, 12, 13, 14],
  });
  const findings = JSON.parse(stdout) as { ident: string; locations: unknown }[];
  expect(findings.map(({ ident }) => ident)).toEqual([]);
});

describe("actionlint", () => {
  async function find(paths: readonly string[]): Promise<string> {
    const binary = await pipProgram(actionlint, cache, world);
    const scripts = await pipProgram(shellcheck, cache, world);
    const argv = [binary, "-no-color", "-shellcheck", scripts, ...paths] as const;
    const result = await world.processes.run({ argv, cwd: root, timeoutMs: 60_000, accept: [0, 1] });
    return result.stdout + result.stderr;
  }

  test("finds nothing wrong with the workflows", async () => {
    expect(await find(workflows)).toBe("");
  });

  test("would find an output that no step has", async () => {
    const folder = await mkdtemp(join(cache, "actionlint-"));
    const text = await readFile(join(root, ".github/workflows/pull-request.yml"), "utf8");
    const wrong = join(folder, "wrong.yml");
    await writeFile(wrong, text.replaceAll("needs.compile.outputs.since", "needs.compile.outputs.sinse"));
    try {
      expect(await find([wrong])).toContain('property "sinse" is not defined');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test("shellcheck finds nothing in the scripts it was not told to leave", async () => {
  const binary = await pipProgram(shellcheck, cache, world);
  const options = ["--format=gcc", "--severity=info", "--external-sources"];
  const argv = [binary, ...options, ...shellScripts] as const;
  const { stdout } = await world.processes.run({ argv, cwd: root, timeoutMs: 60_000, accept: [0, 1] });
  expect(stdout).toBe("");
});
