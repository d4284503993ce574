import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkoutRoot, withEarlier } from "../../../actions/compile-profiles/earlier.ts";
import { realWorld } from "../../../lib/external/world.ts";
import { commitFiles, git } from "./repository.ts";

const world = realWorld(new AbortController().signal);
let folder: string;
let root: string;
let scratch: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "earlier-"));
  root = join(folder, "repository");
  scratch = join(folder, "scratch");
  await mkdir(root);
  await git(root, "init", "-q");
  await commitFiles(root, {
    "pis/cluster.yaml": "first\n",
    "secret.txt": "x\n",
    ".gitattributes": "secret.txt export-ignore\n",
  });
  await commitFiles(root, { "pis/cluster.yaml": "second\n" });
});
afterEach(() => rm(folder, { recursive: true }));

const earlier = (since: string) =>
  withEarlier({ since, definition: join(root, "pis", "cluster.yaml"), scratch }, world, async (state) => ({
    definition: await readFile(state.definition, "utf8"),
    files: (await readdir(state.root)).sort(),
  }));

describe("an earlier state", () => {
  test("is a commit's files, all of them, while the checkout stays as it is", async () => {
    await writeFile(join(root, "pis", "cluster.yaml"), "being edited\n");
    expect(await earlier("HEAD^1")).toEqual({
      definition: "first\n",
      files: [".gitattributes", "pis", "secret.txt"],
    });
    expect(await git(root, "status", "--porcelain")).toBe("M pis/cluster.yaml");
    expect(await readdir(scratch)).toEqual([]);
  });

  test("is another checkout where a folder is named", async () => {
    const other = join(folder, "other");
    await git(folder, "clone", "-q", root, other);
    await git(other, "checkout", "-q", "HEAD^1");
    expect((await earlier(other)).definition).toBe("first\n");
  });

  test("may come before the definition", async () => {
    await git(root, "rm", "-q", "pis/cluster.yaml");
    await commitFiles(root, { other: "x" });
    await commitFiles(root, { "pis/cluster.yaml": "again\n" });
    await expect(earlier("HEAD^1")).rejects.toThrow("ENOENT");
  });

  test.each([
    ["HEAD^7", "HEAD^7 is not in this checkout", "fetch-depth"],
    ["--all", "--all is not in this checkout", "fetch-depth"],
    ["./nowhere", "there is no folder", "check the other state out"],
  ])("%s is refused with what to do", async (since, message, fix) => {
    await expect(earlier(since)).rejects.toMatchObject({
      code: "CHECKOUT",
      message: expect.stringContaining(message),
      fix: expect.stringContaining(fix),
    });
  });

  test("needs a checkout", async () => {
    await mkdir(scratch);
    expect(await checkoutRoot(scratch, world)).toBeUndefined();
    const lost = withEarlier(
      { since: "HEAD", definition: join(scratch, "cluster.yaml"), scratch },
      world,
      async () => 1,
    );
    await expect(lost).rejects.toMatchObject({ code: "CHECKOUT" });
  });
});
