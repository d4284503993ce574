import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { root } from "./run-action.ts";

const stepSchema = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});

const workflowSchema = z.object({
  on: z.unknown(),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string() }).loose(),
  jobs: z.record(
    z.string(),
    z.object({
      "timeout-minutes": z.number().int().positive(),
      permissions: z.record(z.string(), z.string()),
      if: z.string().optional(),
      needs: z.union([z.string(), z.array(z.string())]).default([]),
      steps: z.array(stepSchema),
    }),
  ),
});

/** Every permission a job has, and why. A job that is not here has none. */
const permissions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "pull-request.yml compile": { "contents: read": "checks out the pull request" },
  "pull-request.yml image": { "contents: read": "checks out the pull request" },
  "tests.yml fast": { "contents: read": "checks out the project" },
  "tests.yml images": { "contents: read": "checks out the project" },
};

const folder = join(root, ".github", "workflows");
const files = (await readdir(folder)).sort();
const sources = await Promise.all(
  files.map(async (file) => ({ file, text: await readFile(join(folder, file), "utf8") })),
);
const jobs = sources.flatMap(({ file, text }) =>
  Object.entries(workflowSchema.parse(parse(text)).jobs).map(([name, job]) => ({ file, name, job })),
);
const steps = jobs.flatMap(({ file, name, job }) =>
  job.steps.map((step) => ({ where: `${file} ${name}`, step })),
);

describe("workflows", () => {
  test("give nothing at the top, and to each job what the table says", () => {
    for (const { text } of sources) expect(workflowSchema.parse(parse(text)).permissions).toEqual({});
    const given = jobs.map(({ file, name, job }) => [
      `${file} ${name}`,
      Object.entries(job.permissions).map(([scope, level]) => `${scope}: ${level}`),
    ]);
    const allowed = jobs.map(({ file, name }) => [
      `${file} ${name}`,
      Object.keys(permissions[`${file} ${name}`] ?? {}),
    ]);
    expect(given).toEqual(allowed);
  });

  test("use checkout by commit, without leaving the token behind, and else only our own actions", () => {
    for (const { where, step } of steps.filter(({ step: { uses } }) => uses !== undefined)) {
      const uses = step.uses ?? "";
      if (uses.startsWith("./"))
        expect(existsSync(join(root, uses, "action.yml")), `${where}: ${uses}`).toBe(true);
      else {
        expect(uses, where).toMatch(/^actions\/checkout@[0-9a-f]{40}$/);
        expect(step.with?.["persist-credentials"], where).toBe(false);
      }
    }
  });

  test("name the version beside every commit, the same everywhere", () => {
    const pins = sources.flatMap(({ text }) => text.match(/uses: [\w-]+\/\S+@.*$/gm) ?? []);
    expect(new Set(pins)).toEqual(
      new Set(["uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"]),
    );
  });

  test("expand nothing inside a script, where a branch's name would be code", () => {
    for (const { where, step } of steps) expect(step.run ?? "", where).not.toContain("${{");
  });

  test("never run with a pull request's code and the repository's rights", () => {
    for (const { text } of sources) expect(text).not.toContain("pull_request_target");
  });

  test("end in a job that needs all others", () => {
    for (const file of files) {
      const names = jobs.filter((job) => job.file === file).map(({ name }) => name);
      const last = jobs.find((job) => job.file === file && job.name === "all-green");
      expect([last?.job.needs ?? []].flat().sort(), file).toEqual(
        names.filter((name) => name !== "all-green").sort(),
      );
    }
  });
});

test("the project's own tests do not run in what people make of the template", () => {
  const own = jobs.filter(({ file }) => file === "tests.yml");
  expect(own.map(({ job }) => job.if)).toEqual(
    own.map(() => expect.stringContaining("github.event.repository.is_template")),
  );
});

test("dependabot waits before it proposes a new version", async () => {
  const schema = z.object({
    updates: z.array(z.object({ cooldown: z.object({ "default-days": z.number().min(14) }) })).min(2),
  });
  const text = await readFile(join(root, ".github", "dependabot.yml"), "utf8");
  expect(schema.safeParse(parse(text)).error).toBeUndefined();
});
