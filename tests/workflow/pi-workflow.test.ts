import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commitFiles, git } from "../contract/actions/repository.ts";
import { copyProject, type PiResult, type ProjectCopy } from "../image/project-copy.ts";

let copy: ProjectCopy;
let cache: string;
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "pi-workflow-"));
  copy = await copyProject(cache);
  await chmod(copy.folder, 0o755);
  await git(copy.folder, "init", "-q");
  // A link here, which is not ignored as the folder is.
  await appendFile(join(copy.folder, ".git", "info", "exclude"), "node_modules\n");
  await commitFiles(copy.folder, {});
});
afterAll(async () => {
  await copy?.remove();
  await rm(cache, { recursive: true, force: true });
});

const left = (...parts: string[]): string => join(copy.folder, "out", "workflow", ...parts);
const workflow = (...argv: string[]): Promise<PiResult> => copy.pi(["workflow", ...argv]);
const table = (output: string): string[] => [
  ...(output.match(/^(manifest|pull-request|release|rebuild) +.+ +(success|failure) +(under )?\d.*$/gm) ??
    []),
];

describe("./pi workflow", () => {
  test("runs manifest.yml: a new manifest lies there, and the table says how each job went", async () => {
    // As a hosted runner's user where that can be; the next run is root's again, and goes on with the same files.
    const done = await workflow("manifest", ...(process.getuid?.() === 0 ? ["--as-runner"] : []));
    expect(done.exitCode, done.output).toBe(0);
    expect(table(done.output)).toEqual([
      expect.stringMatching(/^manifest +(manifest|refresh) +success +(under )?\d/),
      expect.stringMatching(/^manifest +all-green +success +(under )?\d/),
    ]);
    expect(done.output).toMatch(/^manifest +out\/workflow\/store\/manifest$/m);
    expect(done.output).toMatch(/publish-manifest done in /);
    expect(await readdir(left("store", "manifest"))).toEqual(expect.arrayContaining(["timestamp.json"]));
    expect(await readFile(left("logs", "manifest.summary.md"), "utf8")).toContain("Update manifest: refresh");
  });

  test("goes on from what is there: the second run has nothing to renew", async () => {
    const before = await git(left("repository.git"), "rev-parse", "manifest");
    const done = await workflow("manifest");
    expect(done.exitCode, done.output).toBe(0);
    expect(await git(left("repository.git"), "rev-parse", "manifest")).toBe(before);
  });

  test("ends with 1 where a workflow fails, with its reason on one line", async () => {
    const done = await workflow("manifest", "--input", "change=block", "--input", "version=v1.0.0");
    expect(done.exitCode, done.output).toBe(1);
    expect(done.output).toMatch(/error: manifest\.yml failed: .*needs the input `reason`/);
    expect(table(done.output).join("\n")).toMatch(/failure/);
  });

  test("runs pull-request.yml for work that is not committed: a page more builds nothing", async () => {
    await writeFile(join(copy.folder, "docs", "new-page.md"), "# New\n");
    const done = await workflow("pull-request");
    expect(done.exitCode, done.output).toBe(0);
    expect(table(done.output)).toEqual([
      expect.stringMatching(/^pull-request +compile +success/),
      expect.stringMatching(/^pull-request +all-green +success/),
    ]);
  });

  test("shows where a broken definition is wrong", async () => {
    const path = join(copy.folder, "cluster.yaml");
    const definition = await readFile(path, "utf8");
    await writeFile(path, definition.replace("packages: [ethtool]", "packages: [ethtool]\n    rule: agent"));
    const done = await workflow("pull-request");
    await writeFile(path, definition);
    expect(done.exitCode, done.output).toBe(1);
    expect(done.output).toMatch(/error: pull-request\.yml failed: .*unknown key "rule"/);
    expect(table(done.output)).toEqual([
      expect.stringMatching(/^pull-request +compile +failure/),
      expect.stringMatching(/^pull-request +all-green +failure/),
    ]);
  });

  test("stopped in the middle of a step, ends at once", async () => {
    const stopped = await copy.pi(["workflow", "manifest", "--input", "change=refresh"], {
      onLine: (line, stop) => {
        if (line.includes("publish-manifest ...")) stop();
      },
    });
    expect(stopped.exitCode, stopped.output).toBe(143);
    expect(stopped.output).toContain("stopped: nothing half made is left");
  });

  test("leaves nothing beside its results, and nothing in the checkout", async () => {
    expect((await readdir(left())).sort()).toEqual(["artifacts", "keys", "logs", "repository.git", "store"]);
    expect(await git(copy.folder, "status", "--porcelain")).toBe("?? docs/new-page.md");
  });
});
