import { readdirSync, readFileSync } from "node:fs";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openGithub } from "../../../lib/external/github.ts";
import { GithubError } from "../../../lib/external/github-failure.ts";
import { describeFailure } from "../../../lib/failure.ts";
import type { WantedAsset } from "../../../lib/release/store.ts";
import type { Fault } from "../../../workbench/github/faults.ts";
import { seedRelease } from "../../../workbench/github/repository.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { COMMIT, detailsOf, failureOf, githubStoreOf, hurriedClock, publish, threeFiles } from "./scene.ts";

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

describe("GitHub's store", () => {
  it("hands out a file that is as expected, from the host GitHub leads to", async () => {
    const store = githubStoreOf(fake);
    const { outcome } = await publish(store, details, files);
    const [file] = files;
    if (outcome.kind !== "published" || file === undefined) throw new Error("not published");
    await store.fetch(outcome.release, file, scratch.join("got"));
    expect(readFileSync(scratch.join("got"))).toEqual(readFileSync(file.path));
    const wrong = { ...file, sha256: "0".repeat(64) };
    expect(await failureOf(store.fetch(outcome.release, wrong, scratch.join("bad")))).toMatchObject({
      code: "DIGEST",
    });
    expect(readdirSync(scratch.path)).not.toContain("bad");
    expect(store.urlOf("v1.0.0", file.name)).toBe(
      "https://github.example/someone/cluster/releases/download/v1.0.0/image.img.zst",
    );
  });

  it("shows drafts to those who may write only, and never by their tag", async () => {
    seedRelease(fake.repository, { tag: "v1.0.0" });
    expect(await githubStoreOf(fake).releases()).toMatchObject([
      { tag: "v1.0.0", draft: true, foreign: true },
    ]);
    expect(await githubStoreOf(fake, { token: "reader" }).releases()).toEqual([]);
    const byTag = `${fake.apiUrl}/repos/someone/cluster/releases/tags/v1.0.0`;
    const headers = { authorization: `Bearer ${fake.token}` };
    expect((await fetch(byTag, { headers })).status).toBe(404);
  });

  it("ends at once when it is interrupted, while it reads and while it waits", async () => {
    const stop = new AbortController();
    const store = githubStoreOf(fake, {
      signal: stop.signal,
      checkpoint: (name) => (name.endsWith("/assets") ? stop.abort() : undefined),
    });
    const error = await failureOf(publish(store, details, files, { signal: stop.signal }));
    expect(error).toMatchObject({ code: "INTERRUPTED" });
    expect(fake.exchanges.filter((line) => line.startsWith("upload"))).toEqual([]);
    fake.faults.push({ on: "upload", do: "500-at-start" });
    const waiting = new AbortController();
    const patient = githubStoreOf(fake, {
      checkpoint: (name) => (/^after POST .*assets$/.test(name) ? waiting.abort() : undefined),
    });
    const late = await failureOf(publish(patient, details, files, { signal: waiting.signal }));
    expect(late).toMatchObject({ code: "INTERRUPTED" });
  });

  it("does not wait for a server that wants to be left alone for hours", async () => {
    fake.faults.push({ on: "upload", do: "secondary-limit", status: 403, retryAfter: 3 * 3600 });
    const error = await failureOf(publish(githubStoreOf(fake), details, files));
    expect(error).toMatchObject({ code: "SERVER", cause: { code: "LIMITED", retryAfterMs: 3 * 3_600_000 } });
  });

  it("keeps the distance between writes that GitHub asks for", async () => {
    const limits = { stallMs: 5_000, totalMs: 20_000, maxAnswerBytes: 1_000_000 };
    const github = openGithub(
      {
        owner: "someone",
        repo: "cluster",
        token: fake.token,
        apiUrl: fake.apiUrl,
        limits,
        transferLimits: limits,
      },
      { clock: hurriedClock(), signal: new AbortController().signal },
    );
    const fields = {
      tag_name: "v1",
      target_commitish: COMMIT,
      name: "",
      body: "",
      draft: true,
      prerelease: false,
    };
    const made = await github.createRelease(fields);
    const started = performance.now();
    await github.updateRelease(made.id, fields);
    expect(performance.now() - started).toBeGreaterThan(900);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe("the token", () => {
  const upload = { on: "upload", name: "image.img.zst" } as const;
  const faults: readonly Fault[] = [
    ...(["502-with-starter", "500-at-start", "reset", "stall", "422-already-exists", "renamed"] as const).map(
      (how) => ({ ...upload, do: how }),
    ),
    { ...upload, do: "secondary-limit", status: 403, retryAfter: 1 },
    { on: "create", do: "404" },
    { on: "publish", do: "502" },
    { on: "list", do: "secondary-limit", status: 403, retryAfter: 20_000 },
  ];

  it.each(faults)("is in no message, error or file after $on: $do", async (fault) => {
    // Five times the same, so that every try fails.
    fake.faults.push(...Array.from({ length: 5 }, () => fault));
    const store = githubStoreOf(fake, { stallMs: 100 });
    const heard: unknown[] = [];
    const log = ["log", "warn", "error", "info", "debug"] as const;
    const before = log.map((name) => console[name]);
    for (const name of log) console[name] = (...words: unknown[]) => void heard.push(words);
    const result = await publish(store, details, files).catch((error: unknown) => error);
    log.forEach((name, at) => {
      const old = before[at];
      if (old !== undefined) console[name] = old;
    });
    const all = inspect([result, heard], { depth: 30, showHidden: true, maxStringLength: null });
    expect(all).not.toContain(fake.token);
    expect(all).not.toContain("secret-of-storage");
    expect(describeFailure(result).join("\n")).not.toContain(fake.token);
    expect(heard).toEqual([]);
    for (const name of readdirSync(scratch.path)) {
      expect(readFileSync(scratch.join(name), "utf8")).not.toContain(fake.token);
    }
    // That a token is seen where it is: an error that holds one.
    const leak = new GithubError("SERVER", "x", { cause: new Error(fake.token) });
    expect(inspect([leak], { depth: 30, showHidden: true })).toContain(fake.token);
  });
});
