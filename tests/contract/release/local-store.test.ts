import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { acquireLock } from "../../../lib/external/lock.ts";
import { processes } from "../../../lib/external/process.ts";
import type { StoredRelease, WantedAsset } from "../../../lib/release/store.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { detailsOf, failureOf, localStoreOf, publish, threeFiles } from "./scene.ts";

const scratch = scratchFolder();
const details = detailsOf("v1.0.0");
let files: WantedAsset[];
let folder: string;

beforeEach(() => {
  mkdirSync(scratch.join("built"));
  files = threeFiles((name) => scratch.join("built", name));
  folder = scratch.join("store");
});

describe("a release in a folder", () => {
  it("appears whole, read-only, with its notes, as the latest", async () => {
    const { outcome } = await publish(localStoreOf(folder), details, files);
    expect(outcome).toMatchObject({ kind: "published", release: { tag: "v1.0.0", draft: false } });
    expect(readlinkSync(join(folder, "latest"))).toBe("releases/v1.0.0");
    for (const { name, path } of files) {
      const copy = join(folder, "latest", name);
      expect(readFileSync(copy)).toEqual(readFileSync(path));
      expect(statSync(copy).mode & 0o777).toBe(0o444);
      // No link: who writes into the cache later does not write into a release.
      expect(statSync(copy).ino).not.toBe(statSync(path).ino);
    }
    expect(readFileSync(join(folder, "latest/notes.md"), "utf8")).toBe("What is in v1.0.0.\n");
    expect(readdirSync(join(folder, "releases"))).toEqual(["v1.0.0"]);
    expect((await publish(localStoreOf(folder), details, files)).outcome.kind).toBe("unchanged");
  });

  it("is only looked at with --dry-run, which does not make the folder", async () => {
    const { outcome, said } = await publish(localStoreOf(folder), details, files, { dryRun: true });
    expect(outcome.kind).toBe("planned");
    expect(said[0]).toBe(`publish v1.0.0 to the folder ${folder} from a new draft, and make it the latest:`);
    expect(existsSync(folder)).toBe(false);
  });

  it("of an older version does not become the latest, nor does a candidate", async () => {
    for (const tag of ["v1.10.0", "v1.9.1", "v1.11.0-rc.1"]) {
      await publish(localStoreOf(folder), detailsOf(tag), files);
    }
    expect(readlinkSync(join(folder, "latest"))).toBe("releases/v1.10.0");
  });

  it.each<[string, (release: string) => void, string]>([
    ["one byte", (release) => writeOver(join(release, "bundle.raucb"), "B"), "bundle.raucb is another file"],
    [
      "its length",
      (release) => writeOver(join(release, "SHA256SUMS"), "sums\nx"),
      "SHA256SUMS is another file",
    ],
    ["a file away", (release) => rmSync(join(release, "SHA256SUMS")), "SHA256SUMS is missing"],
    ["a file more", (release) => writeFileSync(join(release, "more"), ""), "more does not belong"],
    [
      "a link for a file",
      (release) => {
        rmSync(join(release, "SHA256SUMS"));
        symlinkSync(files[2]?.path ?? "", join(release, "SHA256SUMS"));
      },
      "SHA256SUMS is there as a half upload",
    ],
  ])("that somebody changed afterwards is told: %s", async (_, change, told) => {
    await publish(localStoreOf(folder), details, files);
    change(join(folder, "releases/v1.0.0"));
    const error = await failureOf(publish(localStoreOf(folder), details, files));
    expect(error).toMatchObject({
      code: "CONFLICT",
      details: expect.arrayContaining([expect.stringContaining(told)]),
    });
  });

  it("takes up a draft with a spoilt, a half and a foreign file", async () => {
    const draft = join(folder, "releases/.draft-v1.0.0");
    mkdirSync(draft, { recursive: true });
    writeFileSync(join(draft, "SHA256SUMS"), "SUMS\n");
    writeFileSync(join(draft, ".part-image.img.zst"), "half");
    writeFileSync(join(draft, "old.img.zst"), "old");
    await publish(localStoreOf(folder), details, files);
    expect(readdirSync(join(folder, "releases/v1.0.0")).sort()).toEqual(
      ["notes.md", ...files.map(({ name }) => name)].sort(),
    );
  });

  it("hands out what is right, and nothing else", async () => {
    const store = localStoreOf(folder);
    const { outcome } = await publish(store, details, files);
    if (outcome.kind !== "published") throw new Error("not published");
    const [file] = files;
    if (file === undefined) throw new Error("no file");
    await store.fetch(outcome.release, file, scratch.join("got"));
    expect(readFileSync(scratch.join("got"))).toEqual(readFileSync(file.path));
    expect(store.urlOf("v1.0.0", file.name)).toBe(`releases/v1.0.0/${file.name}`);
    const wrong = { ...file, sha256: "0".repeat(64) };
    expect(await failureOf(store.fetch(outcome.release, wrong, scratch.join("bad")))).toMatchObject({
      code: "DIGEST",
    });
    const absent = { ...file, name: "absent" };
    expect(await failureOf(store.fetch(outcome.release, absent, scratch.join("bad")))).toMatchObject({
      code: "NOT_FOUND",
    });
    expect(readdirSync(scratch.path).sort()).toEqual(["built", "got", "store"]);
  });
});

function writeOver(path: string, text: string): void {
  chmodSync(path, 0o644);
  const content = readFileSync(path);
  writeFileSync(
    path,
    Buffer.concat([Buffer.from(text), content.subarray(Math.min(text.length, content.length))]),
  );
}

describe("a folder that cannot be used", () => {
  it("because a file stands in its way", async () => {
    writeFileSync(scratch.join("store"), "");
    const error = await failureOf(publish(localStoreOf(folder), details, files));
    expect(error).toMatchObject({ code: "STORE", fix: expect.stringContaining("--store") });
  });

  it("because nobody may write there", async () => {
    const error = await failureOf(publish(localStoreOf("/sys/kernel/store"), details, files));
    expect(error).toMatchObject({ code: "STORE", message: expect.stringContaining("/sys/kernel/store") });
  });

  it("because it takes no more bytes: nothing is lost, and the next run goes on", async () => {
    // The kernel's limit for the size of files stands for a full disk: both end a write half way.
    const program = join(import.meta.dirname, "killed-publisher.ts");
    const order = JSON.stringify({ folder, files: [files[2], files[1], files[0]] });
    const script = 'ulimit -f 512; exec "$0" "$1" "$2"';
    const run = promisify(execFile)("sh", ["-c", script, process.execPath, program, order]);
    expect(String(await failureOf(run))).toContain("has no room for the release (EFBIG");
    const draft = join(folder, "releases/.draft-v1.0.0");
    expect(readdirSync(draft).sort()).toEqual(["SHA256SUMS", "bundle.raucb"]);
    const kept = statSync(join(draft, "bundle.raucb")).ino;
    await publish(localStoreOf(folder), details, files);
    expect(statSync(join(folder, "releases/v1.0.0/bundle.raucb")).ino).toBe(kept);
  });

  it("because another run publishes there: waits for it, or until it is interrupted", async () => {
    const lock = await acquireLock(processes, { file: join(folder, ".lock"), mode: "exclusive" });
    const stop = new AbortController();
    const waiting = failureOf(publish(localStoreOf(folder, { signal: stop.signal }), details, files));
    setTimeout(() => stop.abort(), 100);
    expect(await waiting).toMatchObject({ code: "INTERRUPTED" });
    const patient = publish(localStoreOf(folder), details, files);
    setTimeout(() => void lock?.release(), 100);
    const { outcome, said } = await patient;
    expect(outcome.kind).toBe("published");
    expect(said.join("\n")).toContain("waiting for another release");
  });
});

describe("names from outside", () => {
  const release = (tag: string): StoredRelease => ({ id: tag, tag, draft: true, assets: [] });
  it.each(["../v1.0.0", "v1.0.0/../..", "", ".", "v1.0.0\n", "vv1.0.0", "v1.0.0+\n"])(
    "the tag %j leads nowhere",
    async (tag) => {
      const store = localStoreOf(folder);
      expect(await failureOf(store.createDraft(detailsOf(tag)))).toMatchObject({ code: "VERSION" });
      expect(() => store.urlOf(tag, "a")).toThrow("is no version");
      expect(existsSync(folder)).toBe(false);
    },
  );

  it.each(["../a", "a/b", "..", ".lock", "notes.md", ""])("the file %j leads nowhere", async (name) => {
    const store = localStoreOf(folder);
    const file = { ...files[0], name } as WantedAsset;
    expect(await failureOf(store.upload(release("v1.0.0"), file))).toMatchObject({ code: "NAME" });
    expect(() => store.urlOf("v1.0.0", name)).toThrow("is no name");
  });

  it("what a published release is called, nothing is done to it", async () => {
    const store = localStoreOf(folder);
    await publish(store, details, files);
    const [published] = await store.releases();
    const [asset] = published?.assets ?? [];
    const [file] = files;
    if (published === undefined || asset === undefined || file === undefined)
      throw new Error("nothing there");
    for (const work of [
      store.upload(published, file),
      store.remove(published, asset),
      store.publish(published, details, true),
    ]) {
      expect(await failureOf(work)).toMatchObject({ code: "CONFLICT" });
    }
  });
});
