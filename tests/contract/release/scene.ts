import { writeFileSync } from "node:fs";
import type { Checkpoint } from "../../../lib/external/checkpoint.ts";
import type { Clock } from "../../../lib/external/clock.ts";
import { sha256OfText } from "../../../lib/external/files.ts";
import { openGithub } from "../../../lib/external/github.ts";
import { processes } from "../../../lib/external/process.ts";
import { githubStore } from "../../../lib/release/github-store.ts";
import { localStore } from "../../../lib/release/local-store.ts";
import { type PublishOutcome, publishRelease } from "../../../lib/release/publish-release.ts";
import type { ReleaseDetails, ReleaseStore, WantedAsset } from "../../../lib/release/store.ts";
import type { FakeGithub } from "../../../workbench/github/server.ts";
import { quietReporter } from "../../unit/image/quiet-reporter.ts";

export const COMMIT = "c".repeat(40);
export const OTHER_COMMIT = "d".repeat(40);

export const detailsOf = (tag: string, change: Partial<ReleaseDetails> = {}): ReleaseDetails => ({
  tag,
  commit: COMMIT,
  title: tag,
  notes: `What is in ${tag}.`,
  prerelease: tag.includes("-"),
  ...change,
});

/** Three files of different sizes; the first is large enough to be on its way for some pieces. */
export function threeFiles(join: (name: string) => string, salt = ""): WantedAsset[] {
  const contents = { "image.img.zst": `${salt}i`.repeat(600_000), "bundle.raucb": `${salt}b`.repeat(70_000) };
  const sums = { SHA256SUMS: `${salt}sums\n` };
  return Object.entries({ ...contents, ...sums }).map(([name, content]) => {
    const path = join(`${salt}${name}`);
    writeFileSync(path, content);
    return { name, path, bytes: content.length, sha256: sha256OfText(content) };
  });
}

/** A clock on which waiting takes no time, and which remembers how long it would have been. */
export function hurriedClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    elapsed: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      waits.push(ms);
    },
  };
}

export interface StoreOptions {
  readonly checkpoint?: Checkpoint;
  readonly signal?: AbortSignal;
  readonly token?: string;
  readonly stallMs?: number;
}

export function githubStoreOf(fake: FakeGithub, options: StoreOptions = {}): ReleaseStore {
  const { checkpoint, signal = new AbortController().signal, stallMs = 5_000 } = options;
  const { owner, repo } = fake.repository;
  const limits = { stallMs, totalMs: 20_000, maxAnswerBytes: 8 * 1024 * 1024 };
  const github = openGithub(
    {
      ...{ owner, repo, limits, transferLimits: limits },
      token: options.token ?? fake.token,
      apiUrl: fake.apiUrl,
      waits: { secondMs: 1, spaced: false },
      ...(checkpoint === undefined ? {} : { checkpoint }),
    },
    { clock: hurriedClock(), signal },
  );
  return githubStore(github, { repository: `${owner}/${repo}`, serverUrl: "https://github.example" });
}

export function localStoreOf(folder: string, options: StoreOptions = {}): ReleaseStore {
  const { checkpoint, signal = new AbortController().signal } = options;
  return localStore({ folder, ...(checkpoint === undefined ? {} : { checkpoint }) }, { processes, signal });
}

export interface Published {
  readonly outcome: PublishOutcome;
  readonly said: readonly string[];
  readonly waits: readonly number[];
}

/** Publishes with no waiting and no chance. */
export async function publish(
  store: ReleaseStore,
  details: ReleaseDetails,
  assets: readonly WantedAsset[],
  more: { readonly dryRun?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Published> {
  const clock = hurriedClock();
  const { reporter, said } = quietReporter();
  const signal = more.signal ?? new AbortController().signal;
  const request = { store, details, assets, dryRun: more.dryRun === true };
  const outcome = await publishRelease(request, { clock, signal, random: () => 0 }, reporter);
  return { outcome, said, waits: clock.waits };
}

/** What an attempt ended with, where it has to fail. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error("this was to fail");
    },
    (error: unknown) => error,
  );
}
