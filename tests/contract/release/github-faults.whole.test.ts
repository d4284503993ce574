import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DRAFT_MARK } from "../../../lib/release/github-store.ts";
import type { WantedAsset } from "../../../lib/release/store.ts";
import type { Fault } from "../../../workbench/github/faults.ts";
import { addAsset, seedRelease, sha256 } from "../../../workbench/github/repository.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { COMMIT, detailsOf, failureOf, githubStoreOf, publish, threeFiles } from "./scene.ts";

const scratch = scratchFolder();
const details = detailsOf("v1.0.0");
let fake: FakeGithub;
let files: WantedAsset[];

beforeEach(async () => {
  fake = await startGithub();
  fake.repository.tags.set("v1.0.0", { commit: COMMIT, annotated: true });
  files = threeFiles((name) => scratch.join(name));
});
afterEach(async () => {
  await fake.close();
  expect(fake.problems).toEqual([]);
});

const image = "image.img.zst";

/** The release, as GitHub shows it to everybody, has exactly the files. */
function expectPublished(): void {
  const published = fake.repository.releases.filter(({ draft }) => !draft);
  expect(published.map(({ tag }) => tag)).toEqual(["v1.0.0"]);
  const assets = published[0]?.assets.map(({ name, bytes, sha256: digest, state }) => ({
    ...{ name, bytes, digest, state },
  }));
  const wanted = files.map(({ name, bytes, sha256: digest }) => ({ name, bytes, digest, state: "uploaded" }));
  expect(assets?.sort((a, b) => a.name.localeCompare(b.name))).toEqual(
    wanted.sort((a, b) => a.name.localeCompare(b.name)),
  );
  expect(fake.repository.latest).toBe("v1.0.0");
}

const sent = (name: string): number => fake.received.get(name) ?? 0;
const sizeOf = (name: string): number => files.find((file) => file.name === name)?.bytes ?? 0;

describe("a release on GitHub", () => {
  it("is a draft, then files, then published; a second run only compares", async () => {
    const first = await publish(githubStoreOf(fake), details, files);
    expect(first.outcome.kind).toBe("published");
    expect(first.waits).toEqual([]);
    expectPublished();
    expect(fake.exchanges.filter((line) => /^(create|upload|publish)/.test(line))).toEqual([
      "create 201",
      ...files.map(({ name }) => `upload ${name} 201`),
      "publish v1.0.0 200",
    ]);
    const before = fake.exchanges.length;
    const second = await publish(githubStoreOf(fake), details, files);
    expect(second.outcome.kind).toBe("unchanged");
    expect(second.said.at(-1)).toContain("nothing to do");
    expect(fake.exchanges.slice(before).filter((line) => !line.startsWith("list"))).toEqual([]);
  });

  it("is planned without a word to anybody with --dry-run", async () => {
    const { outcome, said } = await publish(githubStoreOf(fake), details, files, { dryRun: true });
    expect(outcome.kind).toBe("planned");
    expect(said.join("\n")).toMatch(/upload {2}image\.img\.zst {2}600 kB/);
    expect(fake.exchanges).toEqual(["list 200"]);
  });

  it("of 240 files is seen whole, page by page", async () => {
    const many = Array.from({ length: 240 }, (_, at) => ({ ...files[2], name: `sums-${at}` }) as WantedAsset);
    const draft = seedRelease(fake.repository, { tag: "v1.0.0", body: DRAFT_MARK });
    for (const { name, bytes, sha256: digest } of many.slice(0, 230)) {
      addAsset(fake.repository, draft, {
        ...{ name, bytes, sha256: digest, digestTold: true, state: "uploaded", content: undefined },
      });
    }
    await publish(githubStoreOf(fake), details, many);
    expect(fake.exchanges.filter((line) => line.startsWith("upload"))).toHaveLength(10);
  });
});

describe("in one run, the next try heals", () => {
  const upload = { on: "upload", name: image } as const;
  it.each<[string, Fault[], number[]]>([
    ["502 that leaves a starter", [{ ...upload, do: "502-with-starter" }], [2000]],
    ["500 before the upload", [{ ...upload, do: "500-at-start" }], [2000]],
    ["a connection reset in mid-body", [{ ...upload, do: "reset" }], [2000]],
    ["a stall in mid-body", [{ ...upload, do: "stall" }], [2000]],
    ["a file that arrived though GitHub said 422", [{ ...upload, do: "422-already-exists" }], [2000]],
    ["a file that arrived though GitHub said 502", [{ ...upload, do: "worked-502" }], [2000]],
    ["a file that arrived with other bytes", [{ ...upload, do: "spoilt" }], [2000]],
    ["a digest GitHub does not tell", [{ ...upload, do: "no-digest" }], []],
    [
      "the secondary limit with retry-after",
      [{ ...upload, do: "secondary-limit", status: 403, retryAfter: 77 }],
      [77_000],
    ],
    ["the secondary limit without it", [{ ...upload, do: "secondary-limit", status: 429 }], [60_000]],
    ["the limit at the draft", [{ on: "create", do: "secondary-limit", status: 403, retryAfter: 5 }], [5000]],
    ["a list that fails", [{ on: "list", do: "502" }], []],
    ["a draft that was made though GitHub said 502", [{ on: "create", do: "worked-502" }], [2000]],
    ["a publishing that worked though GitHub said 502", [{ on: "publish", do: "worked-502" }], [2000]],
    ["a publishing that failed", [{ on: "publish", do: "502" }], [2000]],
    [
      "one fault after the other",
      [
        { ...upload, do: "502-with-starter" },
        { ...upload, do: "reset" },
        { on: "delete", do: "worked-502" },
        { ...upload, do: "500-at-start" },
      ],
      [2000, 2000, 4000, 8000],
    ],
  ])("%s", async (_, faults, waits) => {
    fake.faults.push(...faults);
    const done = await publish(githubStoreOf(fake, { stallMs: 300 }), details, files);
    expect(fake.faults).toEqual([]);
    expectPublished();
    expect(fake.repository.releases).toHaveLength(1);
    expect([...done.waits].sort((a, b) => a - b)).toEqual(waits);
    for (const name of ["bundle.raucb", "SHA256SUMS"]) expect(sent(name)).toBe(sizeOf(name));
  });

  it("not for ever: after five tries it says what was wrong, and the next run goes on", async () => {
    fake.faults.push(...Array.from({ length: 5 }, () => ({ ...upload, do: "502-with-starter" }) as const));
    const error = await failureOf(publish(githubStoreOf(fake), details, files));
    expect(error).toMatchObject({ code: "SERVER", message: expect.stringContaining(image) });
    expect(fake.repository.releases[0]?.draft).toBe(true);
    await publish(githubStoreOf(fake), details, files);
    expectPublished();
  });

  it("and what was there before is not sent again", async () => {
    fake.faults.push(
      ...Array.from({ length: 5 }, () => ({ on: "upload", name: "SHA256SUMS", do: "reset" }) as const),
    );
    await failureOf(publish(githubStoreOf(fake), details, files));
    const before = sent(image);
    await publish(githubStoreOf(fake), details, files);
    expectPublished();
    expect([before, sent(image)]).toEqual([sizeOf(image), sizeOf(image)]);
  });
});

describe("what a person has to decide", () => {
  it("GitHub keeps a file under another name: told, and the next run tidies up", async () => {
    fake.faults.push({ on: "upload", do: "renamed", name: image });
    const error = await failureOf(publish(githubStoreOf(fake), details, files));
    expect(error).toMatchObject({ code: "NAME", message: expect.stringContaining("default.image.img.zst") });
    await publish(githubStoreOf(fake), details, files);
    expectPublished();
  });

  it("two drafts of the tag: the older one is used, the other left and told", async () => {
    const older = seedRelease(fake.repository, { tag: "v1.0.0", body: DRAFT_MARK });
    const newer = seedRelease(fake.repository, { tag: "v1.0.0", body: DRAFT_MARK });
    const { said } = await publish(githubStoreOf(fake), details, files);
    expectPublished();
    expect(older.draft).toBe(false);
    expect(newer).toMatchObject({ draft: true, assets: [] });
    expect(said.join("\n")).toContain(`another draft of v1.0.0, ${newer.id}`);
  });

  it("a draft that a person began, with a file in it: not touched", async () => {
    const draft = seedRelease(fake.repository, { tag: "v1.0.0", body: "my notes" });
    const content = Buffer.from("photo");
    addAsset(fake.repository, draft, {
      ...{
        name: "photo.jpg",
        bytes: 5,
        sha256: sha256(content),
        digestTold: true,
        state: "uploaded",
        content,
      },
    });
    const error = await failureOf(publish(githubStoreOf(fake), details, files));
    expect(error).toMatchObject({ code: "CONFLICT", details: [expect.stringContaining("photo.jpg")] });
    expect(draft).toMatchObject({ body: "my notes", draft: true });
    expect(draft.assets).toHaveLength(1);
  });

  it("the tag was moved, before the run or in the middle of it", async () => {
    fake.repository.tags.set("v1.0.0", { commit: "d".repeat(40), annotated: true });
    expect(await failureOf(publish(githubStoreOf(fake), details, files))).toMatchObject({ code: "CONFLICT" });
    expect(fake.repository.releases).toEqual([]);
    fake.repository.tags.set("v1.0.0", { commit: COMMIT, annotated: false });
    const moving = githubStoreOf(fake, {
      checkpoint: (name) => {
        if (!/^after POST .*\/assets$/.test(name)) return;
        fake.repository.tags.set("v1.0.0", { commit: "e".repeat(40), annotated: false });
      },
    });
    expect(await failureOf(publish(moving, details, files))).toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("eeee"),
    });
    expect(fake.repository.releases.map(({ draft }) => draft)).toEqual([true]);
  });

  it("a token that may not release, or a commit with other workflows", async () => {
    fake.faults.push({ on: "create", do: "404" });
    const error = await failureOf(publish(githubStoreOf(fake), details, files));
    expect(error).toMatchObject({
      code: "DENIED",
      details: expect.arrayContaining([expect.stringContaining(".github/workflows")]),
    });
    expect(await failureOf(publish(githubStoreOf(fake, { token: "wrong" }), details, files))).toMatchObject({
      code: "DENIED",
    });
  });

  it.each([true, false])(
    "a published release with another file (immutable: %s) is never changed",
    async (frozen) => {
      fake.repository.immutableReleases = frozen;
      await publish(githubStoreOf(fake), details, files);
      expectPublished();
      const before = fake.exchanges.length;
      const others = threeFiles((name) => scratch.join(name), "x");
      const error = await failureOf(publish(githubStoreOf(fake), details, others));
      expect(error).toMatchObject({
        code: "CONFLICT",
        details: expect.arrayContaining([expect.stringContaining(image)]),
        fix: expect.stringContaining(frozen ? "burnt" : "never changed"),
      });
      expect(fake.exchanges.slice(before)).toEqual(["list 200"]);
    },
  );

  it("an older version is published without becoming the latest", async () => {
    fake.repository.tags.set("v0.9.1", { commit: COMMIT, annotated: false });
    await publish(githubStoreOf(fake), details, files);
    await publish(githubStoreOf(fake), detailsOf("v0.9.1"), files);
    await publish(githubStoreOf(fake), detailsOf("v1.1.0-rc.1"), files);
    expect(fake.repository.releases.map(({ tag, draft }) => [tag, draft])).toEqual([
      ["v1.0.0", false],
      ["v0.9.1", false],
      ["v1.1.0-rc.1", false],
    ]);
    expect(fake.repository.latest).toBe("v1.0.0");
    expect(fake.repository.tags.get("v1.1.0-rc.1")?.commit).toBe(COMMIT);
  });
});
