import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { processes } from "../../../lib/external/process.ts";
import { initKeys } from "../../../lib/manifest/ceremony.ts";
import { copyRepository, type Scenario } from "../../workflow/scenario.ts";
import { commitFiles, git } from "../actions/repository.ts";
import { root } from "../actions/run-action.ts";

const ADDRESS = "https://github.com/OWNER/home-pi-cluster";
const OWN_CLUSTER = `cluster: my-home
base: { suite: trixie }
profiles:
  node: { abstract: true, board: rpi-arm64, packages: [tree] }
  all: { extends: node, role: server, ansible: { roles: [./my-role] } }
nodes: { pi-9: { profile: all } }
`;
const OWN_TASKS = "- name: Mine\n  ansible.builtin.debug:\n    msg: mine\n";
const PROJECTS_ROLE = "ansible/roles/time/tasks/main.yml";

/** The project, where it goes on. */
let project: string;
/** Somebody's copy, made with "Use this template", edited. */
let copy: string;

/** The two blocks of commands that docs/github.md gives, in order. */
async function documented(): Promise<[once: string, each: string]> {
  const page = await readFile(join(root, "docs", "github.md"), "utf8");
  const section = page.split("\n## Take a newer version of this project\n")[1]?.split("\n## ")[0] ?? "";
  const [once, each, ...more] = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text);
  if (once === undefined || each === undefined || more.length > 0) throw new Error("the page changed");
  return [once, each];
}

/** Runs them as a person does, the project's address replaced; resolves to what was said. */
async function type(commands: string): Promise<{ exitCode: number; said: string }> {
  const author = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.org" };
  const committer = { GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@example.org" };
  const result = await processes.run({
    argv: ["sh", "-euc", commands.replace(ADDRESS, project)],
    cwd: copy,
    env: { GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", ...author, ...committer },
    timeoutMs: 60_000,
    accept: [0, 1, 128],
  });
  return { exitCode: result.exitCode, said: result.stdout + result.stderr };
}

const inProject = (path: string): Promise<string> => readFile(join(project, path), "utf8");
const inCopy = (path: string): Promise<string> => readFile(join(copy, path), "utf8");

/** The project goes on: the example, what it runs, a page, a role, and a version of its own. */
async function newVersion(mark: string): Promise<void> {
  const example = (await inProject("cluster.yaml")).replace("cluster: home", `cluster: home-${mark}`);
  await commitFiles(project, {
    "cluster.yaml": example.replace("packages: [htop]", `packages: [htop, ${mark}]`),
    "keys/README.md": `${await inProject("keys/README.md")}\n${mark}\n`,
    "docs/new.md": `# ${mark}\n`,
    [PROJECTS_ROLE]: `${await inProject(PROJECTS_ROLE)}# ${mark}\n`,
  });
  await git(project, "tag", `v9.9.${mark.length}`);
}

let scene: Scenario;
const SETTING_UP_MS = 120_000;

beforeAll(async () => {
  scene = await copyRepository();
  copy = join(dirname(scene.repository), "copy");
  await cp(scene.repository, copy, { recursive: true, verbatimSymlinks: true });
  await rm(join(copy, ".git"), { recursive: true });
  await git(copy, "init", "-q");
  await commitFiles(copy, {});
  await initKeys({
    ...{ folder: join(dirname(copy), "keys"), publicFolder: join(copy, "keys"), cluster: "my-home" },
    ...{ now: new Date(), roots: 1, threshold: 1 },
  });
  await commitFiles(copy, {
    "cluster.yaml": OWN_CLUSTER,
    "my-role/tasks/main.yml": OWN_TASKS,
    // Not asked for, but people do: a line on top of one of the project's own roles.
    [PROJECTS_ROLE]: `# my own line\n${await inCopy(PROJECTS_ROLE)}`,
  });
}, SETTING_UP_MS);
afterAll(() => scene.remove());

/** Each test has both as they were. */
beforeEach(async () => {
  const folder = await mkdtemp(join(dirname(scene.repository), "test-"));
  const from = ["repository", "copy"].map((name) => join(dirname(scene.repository), name));
  await processes.run({ argv: ["cp", "-a", ...from, folder], timeoutMs: SETTING_UP_MS });
  project = join(folder, "repository");
  copy = join(folder, "copy");
}, SETTING_UP_MS);

describe("a newer version of the project, by the commands of docs/github.md", () => {
  test("merges into an edited copy without conflict, again and again", async () => {
    const [once, each] = await documented();
    // The project has moved on before the copy's first merge, and it is not the copy's beginning any more.
    await newVersion("jq");
    const ca = await inCopy("keys/ca.pem");
    const joined = await type(once);
    expect(joined, joined.said).toMatchObject({
      exitCode: 0,
      said: expect.stringContaining("'ours' strategy"),
    });
    expect(await inCopy("docs/new.md").catch(() => "absent")).toBe("absent");

    for (const mark of ["jq", "nano"]) {
      if (mark !== "jq") await newVersion(mark);
      const merged = await type(each.replace("newer-version", `newer-${mark}`));
      expect(merged, merged.said).toMatchObject({ exitCode: 0 });
      expect(await git(copy, "status", "--porcelain")).toBe("");
      expect(await inCopy("cluster.yaml")).toBe(OWN_CLUSTER);
      expect(await inCopy("my-role/tasks/main.yml")).toBe(OWN_TASKS);
      expect(await inCopy("keys/ca.pem")).toBe(ca);
      expect(await inCopy("keys/README.md")).toContain(`\n${mark}\n`);
      expect(await inCopy("docs/new.md")).toBe(`# ${mark}\n`);
      expect(await inCopy(PROJECTS_ROLE)).toMatch(new RegExp(`^# my own line\n[^]*# ${mark}\n$`));
    }
    expect(await git(copy, "tag")).toBe("");
  });

  test("would ask about cluster.yaml without the option, which is what the option is for", async () => {
    const [once, each] = await documented();
    await newVersion("jq");
    await type(once);
    const merged = await type(each.replace("-c merge.ours.driver=true ", ""));
    expect(merged.exitCode).toBe(1);
    expect(merged.said).toContain("CONFLICT (content): Merge conflict in cluster.yaml");
  });

  test("is refused where the copy began with no state of the project", async () => {
    const [once] = await documented();
    await git(copy, "checkout", "-q", "--orphan", "other");
    await commitFiles(copy, { "README.md": "mine\n" });
    const { exitCode, said } = await type(once);
    expect(exitCode).not.toBe(0);
    expect(said).toContain("not something we can merge");
  });
});
