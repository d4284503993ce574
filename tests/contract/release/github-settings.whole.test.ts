import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { processes } from "../../../lib/external/process.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { repository as project } from "../cli/run-pi.ts";

const description = JSON.parse(
  readFileSync(
    createRequire(import.meta.url).resolve("@octokit/openapi/generated/api.github.com.json"),
    "utf8",
  ),
) as { components: { examples: Record<string, { value: Record<string, unknown> }> } };
/** GitHub's own example of an answer, changed. */
const example = (name: string, change: Readonly<Record<string, unknown>>): unknown => ({
  ...description.components.examples[name]?.value,
  ...change,
});

/** The example of a repository lacks a `language`, also of those it names inside, that its schema asks for. */
const LACKING = { language: null, source: undefined, parent: undefined, template_repository: undefined };

const secretsOf = (...names: readonly string[]) => ({
  total_count: names.length,
  secrets: names.map((name) => ({
    name,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
  })),
});
/** As GitHub lists rules: `tag v*`. */
const rulesOf = (...texts: readonly string[]) => ({
  total_count: texts.length,
  branch_policies: texts.map((text, id) => {
    const [type, name] = text.split(" ");
    return { id, node_id: `rule-${id}`, name, type };
  }),
});
const limited = { deployment_branch_policy: { protected_branches: false, custom_branch_policies: true } };

let github: FakeGithub;
const all: FakeGithub[] = [];
beforeEach(async () => {
  github = await startGithub();
  all.push(github);
  const { settings } = github.repository;
  settings.set(
    "",
    example("full-repository-default-response", {
      ...LACKING,
      visibility: "public",
      default_branch: "main",
    }),
  );
  settings.set("/actions/permissions", { enabled: true, allowed_actions: "all" });
  settings.set("/actions/permissions/workflow", {
    default_workflow_permissions: "read",
    can_approve_pull_request_reviews: false,
  });
  settings.set("/environments/release", example("environment", { name: "release", ...limited }));
  settings.set("/environments/release/deployment-branch-policies", rulesOf("tag v*", "branch main"));
  settings.set("/environments/manifest/deployment-branch-policies", rulesOf("branch main"));
  settings.set("/environments/release/secrets", secretsOf("PI_KEY_SIGNING", "PI_CERT_SIGNING"));
  settings.set("/environments/manifest", example("environment", { name: "manifest", ...limited }));
  settings.set("/environments/manifest/secrets", secretsOf("PI_KEY_TARGETS", "PI_KEY_ONLINE"));
  settings.set("/pages", example("page", { source: { branch: "manifest", path: "/" } }));
});
afterAll(async () => {
  for (const fake of all) await fake.close();
});

async function doctor(token = github.token): Promise<{ readonly code: number; readonly said: string }> {
  const argv = [process.execPath, "cli/main.ts", "doctor", "--github", "someone/cluster"] as const;
  const env = { GITHUB_TOKEN: token, GITHUB_API_URL: github.apiUrl };
  const { exitCode, stdout, stderr } = await processes.run({
    ...{ argv, env, cwd: project, timeoutMs: 30_000, accept: [0, 1] },
  });
  return { code: exitCode, said: stdout + stderr };
}

describe("./pi doctor --github", () => {
  test("finds everything as docs/github.md has it made", async () => {
    const { code, said } = await doctor();
    expect(said.split("\n").filter((line) => line !== "" && !line.startsWith("ok "))).toEqual([]);
    expect(code).toBe(0);
    expect(github.problems).toEqual([]);
  });

  test.each([
    ["/pages", undefined, "pages: off"],
    ["/environments/manifest", undefined, "environment manifest: missing"],
    ["/environments/release/secrets", secretsOf("PI_KEY_SIGNING"), "without PI_CERT_SIGNING"],
    [
      "/actions/permissions/workflow",
      { default_workflow_permissions: "write", can_approve_pull_request_reviews: true },
      "may write",
    ],
    [
      "/environments/release",
      example("environment", { name: "release", deployment_branch_policy: null }),
      "open to every branch",
    ],
    [
      "/environments/release/deployment-branch-policies",
      rulesOf("branch main"),
      'does not admit tags v*: their jobs would be refused\n         fix: Settings, Environments, release: "Selected branches and tags", with a rule for the tag v* and the branch main',
    ],
    [
      "/environments/manifest/deployment-branch-policies",
      example("deployment-branch-policies-list", {
        branch_policies: [{ id: 361471, node_id: "MDE2OkdhdGVCcmFuY2hQb2xpY3kzNjE0NzE=", name: "release/*" }],
      }),
      "environment manifest: does not admit the branch main",
    ],
    ["/environments/manifest/secrets", secretsOf("PI_KEY_TARGETS"), "without PI_KEY_ONLINE"],
  ])("tells that %s is not so, and what to do", async (path, setting, message) => {
    if (setting === undefined) github.repository.settings.delete(path);
    else github.repository.settings.set(path, setting);
    const { code, said } = await doctor();
    expect(code).toBe(1);
    expect(said).toContain(message);
    expect(said).toContain("fix: ");
    expect(github.problems).toEqual([]);
  });

  test("warns of a private repository, and no more", async () => {
    const visible = { ...LACKING, visibility: "private", default_branch: "main" };
    github.repository.settings.set("", example("full-repository-default-response", visible));
    const { code, said } = await doctor();
    expect(said).toContain("warning  visibility: private");
    expect(code).toBe(0);
  });

  test("warns of a targets key that is left out, as for those who sign elsewhere, and no more", async () => {
    github.repository.settings.set("/environments/manifest/secrets", secretsOf("PI_KEY_ONLINE"));
    const { code, said } = await doctor();
    expect(said).toContain("ok       secrets of manifest: present");
    expect(said).toContain(
      "warning  PI_KEY_TARGETS: left out: each release waits until you sign it with ./pi keys approve",
    );
    expect(code).toBe(0);
  });

  test("warns of a default branch that main.yml does not run for", async () => {
    const { settings } = github.repository;
    const named = { ...LACKING, visibility: "public", default_branch: "trunk" };
    settings.set("", example("full-repository-default-response", named));
    settings.set("/environments/release/deployment-branch-policies", rulesOf("tag v*", "branch trunk"));
    settings.set("/environments/manifest/deployment-branch-policies", rulesOf("branch trunk"));
    const { code, said } = await doctor();
    expect(said).toContain(
      'warning  default branch: trunk\n         fix: rename it to main, or write "trunk"',
    );
    expect(code).toBe(0);
    expect(github.problems).toEqual([]);
  });

  test("needs a token, and never shows it", async () => {
    const { code, said } = await doctor("");
    expect(code).toBe(1);
    expect(said).toContain("there is no token for github.com/someone/cluster");
    expect((await doctor()).said).not.toContain(github.token);
  });
});
