import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { root } from "./run-action.ts";
import { files, jobs, sources, steps } from "./workflow-files.ts";

/** Every permission a job has, and why. A job that is not here has none. */
const permissions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "pull-request.yml compile": { "contents: read": "checks out the pull request" },
  "pull-request.yml image": { "contents: read": "checks out the pull request" },
  "check-dist.yml dist": { "contents: read": "checks out the project" },
  "main.yml compile": { "contents: read": "checks out the branch" },
  "main.yml image": { "contents: read": "checks out the branch" },
  "manifest.yml manifest": {
    "actions: write": "switches its own schedule on again",
    "contents: write": "pushes the branch manifest",
  },
  "rebuild.yml compile": { "contents: read": "checks out the branch" },
  "rebuild.yml image": { "contents: read": "checks out the branch" },
  "rebuild.yml release": {
    "actions: write": "a called workflow has no more rights than its caller: publish",
    "attestations: write": "publish",
    "contents: write": "publish",
    "id-token: write": "publish",
  },
  "release.yml compile": { "contents: read": "checks out the tag" },
  "release.yml image": { "contents: read": "checks out the tag" },
  "release.yml publish": {
    "actions: write": "starts manifest.yml and waits for it",
    "attestations: write": "keeps the attestation",
    "contents: write": "makes the release",
    "id-token: write": "proves to Sigstore which workflow it is",
  },
  "tests.yml fast": { "contents: read": "checks out the project" },
  "tests.yml images": { "contents: read": "checks out the project" },
};

describe("workflows", () => {
  test("give every job a limit of time", () => {
    const endless = jobs.filter(({ job }) => job["timeout-minutes"] === undefined && job.uses === undefined);
    expect(endless.map(({ file, name }) => `${file} ${name}`)).toEqual([]);
  });

  test("start at the events the table says, and at no other", () => {
    const started = Object.fromEntries(sources.map(({ file, workflow }) => [file, workflow.on]));
    expect(started).toEqual({
      "check-dist.yml": {
        // Whatever goes into what is generated, and what is generated itself.
        pull_request: {
          paths: [
            ...["actions/**", "updater/**", "lib/**", "schema/**"],
            ...["package.json", "package-lock.json", "scripts/**"],
          ],
        },
      },
      "main.yml": { push: { branches: ["main"] } },
      "manifest.yml": { workflow_dispatch: expect.anything(), schedule: [{ cron: expect.any(String) }] },
      "pull-request.yml": { pull_request: null },
      "rebuild.yml": { workflow_dispatch: expect.anything(), schedule: [{ cron: expect.any(String) }] },
      "release.yml": { push: { tags: ["v*.*.*"] }, workflow_call: expect.anything() },
      "tests.yml": { push: { branches: ["main"] }, pull_request: null },
    });
  });

  test("let every change of the manifest have its turn: the next one in the queue drops none that waits", () => {
    const manifest = sources.find(({ file }) => file === "manifest.yml");
    // GitHub keeps but one that waits otherwise; and allows this only where nothing that runs is cancelled.
    expect(manifest?.workflow.concurrency).toEqual({
      ...{ group: "manifest", "cancel-in-progress": false, queue: "max" },
    });
  });

  test("write the manifest from the default branch only, and on schedule whatever the event tells", () => {
    const manifest = jobs.find(({ file, name }) => file === "manifest.yml" && name === "manifest");
    const branch = "github.ref_name == github.event.repository.default_branch";
    expect(manifest?.job.if).toBe(`github.event_name == 'schedule' || ${branch}`);
  });

  test("hand on what a person said of a backport, which a tag's push cannot say", () => {
    const said = [...jobs.map(({ file, name, job }) => ({ where: `${file} ${name}`, step: job })), ...steps]
      .filter(({ step }) => step.with?.backport !== undefined)
      .map(({ where, step }) => [where, step.uses, step.with?.backport]);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub's.
    const input = "${{ inputs.backport }}";
    expect(said).toEqual([
      ["rebuild.yml release", "./.github/workflows/release.yml", input],
      ["rebuild.yml compile", "./actions/compile-profiles", input],
      ["release.yml compile", "./actions/compile-profiles", input],
      ["release.yml publish", "./actions/publish-release", input],
    ]);
  });

  test("hand secrets to two steps only, in environments of their own, and never to a pull request's", () => {
    const places = jobs.flatMap(({ file, name, job }) =>
      job.steps
        .filter((step) => JSON.stringify(step).includes("secrets."))
        .map(({ uses, env }) => [`${file} ${name}`, job.environment, uses, Object.keys(env ?? {})]),
    );
    expect(places).toEqual([
      [
        "manifest.yml manifest",
        "manifest",
        "./actions/publish-manifest",
        ["PI_KEY_TARGETS", "PI_KEY_ONLINE"],
      ],
      ["release.yml publish", "release", "./actions/publish-release", ["PI_KEY_SIGNING", "PI_CERT_SIGNING"]],
    ]);
    const mentioned = sources.flatMap(({ file, text }) =>
      (text.match(/secrets\.\w+|secrets: *\w+/g) ?? []).map(() => file),
    );
    const [two, one] = ["manifest.yml", "release.yml"];
    // rebuild.yml names what it lets release.yml have of its environment, twice, and has nothing of it itself.
    expect(mentioned).toEqual([two, two, "rebuild.yml", "rebuild.yml", one, one]);
  });

  test("run no playbook, and read no cache such a job could write, where a key is", () => {
    for (const { file, name, job } of jobs.filter(({ job: { environment } }) => environment !== undefined)) {
      const used = job.steps.map(({ uses = "" }) => uses.replace(/@.*/, ""));
      expect(used, `${file} ${name}`).toHaveLength(2);
      expect(used[0]).toBe("actions/checkout");
      for (const { with: given } of job.steps)
        expect(given ?? {}, `${file} ${name}`).not.toHaveProperty("cache");
      // The folder in which jobs that run playbooks leave their layers, as root, on a runner that stays.
      expect(JSON.stringify(job), `${file} ${name}`).not.toContain("vars.PI_CACHE");
    }
  });

  test("fill the cache on the default branch only", () => {
    const writers = steps.filter(({ step }) => step.with?.cache === "read-write").map(({ where }) => where);
    expect([...new Set(writers)]).toEqual(["main.yml image"]);
  });

  test("give nothing at the top, and to each job what the table says", () => {
    for (const { workflow } of sources) expect(workflow.permissions).toEqual({});
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

test("jobs of a pull request have names of their own, or one that is skipped passes for the one required", () => {
  const events = new Map(sources.map(({ file, workflow }) => [file, workflow.on]));
  const proposed = jobs.filter(({ file }) => JSON.stringify(events.get(file)).includes("pull_request"));
  const names = proposed.map(({ name, job }) => job.name ?? name);
  expect(names).toContain("all green");
  expect(names).toEqual([...new Set(names)]);
});

test("the check people require has a name no other workflow's job has: one run by hand on the branch would pass for it", () => {
  const last = jobs.filter(({ name }) => name === "all-green");
  expect(Object.fromEntries(last.map(({ file, job }) => [file, job.name]))).toEqual({
    "check-dist.yml": "dist all green",
    "main.yml": "main all green",
    "manifest.yml": "manifest all green",
    "pull-request.yml": "all green",
    "rebuild.yml": "rebuild all green",
    "release.yml": "release all green",
    "tests.yml": "tests all green",
  });
  expect(jobs.filter(({ job }) => job.name === "all green").map(({ file }) => file)).toEqual([
    "pull-request.yml",
  ]);
});

test("the project's own tests do not run in what people make of the template", () => {
  const own = jobs.filter(({ file }) => file === "tests.yml" || file === "check-dist.yml");
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
