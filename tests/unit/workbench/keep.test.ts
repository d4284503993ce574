import { readdir, rm, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { addAsset, emptyRepository, seedRelease, sha256 } from "../../../workbench/github/repository.ts";
import { keepRepository, openKept } from "../../../workbench/local/keep.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const scratch = scratchFolder();
const content = Buffer.from("an image");
const asset = (name: string) => ({
  ...{ name, bytes: content.length, sha256: sha256(content), digestTold: true },
  ...{ state: "uploaded" as const, content },
});

function repository() {
  const kept = emptyRepository("someone", "cluster");
  kept.tags.set("v1.0.0", { commit: "a".repeat(40), annotated: false });
  const published = seedRelease(kept, { tag: "v1.0.0", draft: false });
  addAsset(kept, published, asset("one.img.zst"));
  const draft = seedRelease(kept, { tag: "v1.1.0" });
  addAsset(kept, draft, asset("two.img.zst"));
  addAsset(kept, draft, { ...asset("half"), bytes: 0, state: "starter", content: undefined });
  kept.latest = "v1.0.0";
  return kept;
}

describe("what GitHub holds", () => {
  test("is there again in the next run, half uploads too", async () => {
    const before = repository();
    await keepRepository(before, scratch.path);
    expect(await openKept(scratch.path, "someone", "cluster")).toEqual(before);
  });

  test("lies as a local store has it, with drafts apart", async () => {
    await keepRepository(repository(), scratch.path);
    expect((await readdir(scratch.path)).sort()).toEqual(["drafts", "github.json", "releases"]);
    expect(await readdir(scratch.join("releases/v1.0.0"))).toEqual(["one.img.zst"]);
  });

  test("is empty where nothing was kept", async () => {
    expect(await openKept(scratch.path, "someone", "cluster")).toEqual(emptyRepository("someone", "cluster"));
  });

  test.each([
    ["a file that was changed", () => writeFile(scratch.join("releases/v1.0.0/one.img.zst"), "other")],
    ["a file that is gone", () => rm(scratch.join("releases/v1.0.0/one.img.zst"))],
    ["rubbish", () => writeFile(scratch.join("github.json"), "{}")],
    ["something torn", () => writeFile(scratch.join("github.json"), '{"version": 1')],
  ])("is not taken from %s", async (_, spoil) => {
    await keepRepository(repository(), scratch.path);
    await spoil();
    await expect(openKept(scratch.path, "someone", "cluster")).rejects.toMatchObject({
      ...{ code: "KEPT", fix: expect.stringContaining("rm -r") },
    });
  });
});
