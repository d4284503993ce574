import type { z } from "zod";
import { between, type Checkpoint, noCheckpoint } from "./checkpoint.ts";
import type { Clock } from "./clock.ts";
import { type GithubClient, type GithubWaits, githubClient, once, USER_AGENT } from "./github-client.ts";
import { explainRefusal, explainSilence, GithubError } from "./github-failure.ts";
import {
  type GithubAsset,
  type GithubRelease,
  githubAsset,
  githubRelease,
  githubTarget,
} from "./github-records.ts";
import { HttpError, type HttpLimits, send } from "./http.ts";
import type { UploadFile } from "./upload-file.ts";

export interface GithubOptions {
  readonly owner: string;
  readonly repo: string;
  /** Goes into one header, and nowhere else. */
  readonly token: string;
  readonly apiUrl: string;
  /** For calls with small bodies. */
  readonly limits: HttpLimits;
  /** For files up and down. */
  readonly transferLimits: HttpLimits;
  readonly waits?: GithubWaits;
  readonly checkpoint?: Checkpoint;
}

export interface ReleaseFields {
  readonly tag_name: string;
  readonly target_commitish: string;
  readonly name: string;
  readonly body: string;
  readonly draft: boolean;
  readonly prerelease: boolean;
  /** A string, and not a boolean, as the API wants it. */
  readonly make_latest?: "true" | "false";
}

/** The part of GitHub that keeps releases. Every call throws GithubError where it has no success to tell of. */
export interface Github {
  /** Published ones and, with write access, drafts. */
  releases(): Promise<GithubRelease[]>;
  assets(releaseId: number): Promise<GithubAsset[]>;
  createRelease(fields: ReleaseFields): Promise<GithubRelease>;
  updateRelease(releaseId: number, fields: ReleaseFields): Promise<GithubRelease>;
  /** Streams a file; sends the token to the place the release names for uploads. */
  upload(
    release: Pick<GithubRelease, "upload_url">,
    name: string,
    file: UploadFile,
    onSent?: (bytes: number) => void,
  ): Promise<GithubAsset>;
  deleteAsset(assetId: number): Promise<void>;
  download(assetId: number, onData: (chunk: Buffer) => void | Promise<void>): Promise<void>;
  /** The commit a tag stands on, through annotated tags; undefined where there is no such tag. */
  commitOfTag(tag: string): Promise<string | undefined>;
}

const PER_PAGE = 100;
const NORMAL_WAITS: GithubWaits = { secondMs: 1000, spaced: true };

interface Access {
  readonly client: GithubClient;
  readonly options: GithubOptions;
  readonly checkpoint: Checkpoint;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A repository's releases on GitHub, or on a server that speaks its API. */
export function openGithub(
  options: GithubOptions,
  world: { readonly clock: Clock; readonly signal: AbortSignal },
): Github {
  const { token, apiUrl, limits, waits = NORMAL_WAITS, checkpoint = noCheckpoint } = options;
  const client = githubClient({ token, apiUrl, waits, limits, checkpoint, signal: world.signal });
  const access: Access = { client, options, checkpoint, ...world };
  const at = { owner: options.owner, repo: options.repo };
  const { repos } = client.rest;
  const ask = <T>(call: () => Promise<T>): Promise<T> => asking(access, call);
  return {
    releases: () =>
      ask(async () => {
        const all = await client.paginate(repos.listReleases, { ...at, per_page: PER_PAGE });
        return all.map((release) => parsed(githubRelease, release, "a release"));
      }),
    assets: (releaseId) =>
      ask(async () => {
        const place = { ...at, release_id: releaseId, per_page: PER_PAGE };
        const all = await client.paginate(repos.listReleaseAssets, place);
        return all.map((asset) => parsed(githubAsset, asset, "an asset"));
      }),
    createRelease: (fields) =>
      ask(async () => {
        const { data } = await repos.createRelease({ ...at, ...fields, ...once });
        return parsed(githubRelease, data, "the new release");
      }),
    updateRelease: (releaseId, fields) =>
      ask(async () => {
        const { data } = await repos.updateRelease({ ...at, release_id: releaseId, ...fields, ...once });
        return parsed(githubRelease, data, "the release");
      }),
    deleteAsset: (assetId) =>
      ask(async () => {
        await repos.deleteReleaseAsset({ ...at, asset_id: assetId, ...once });
      }),
    upload: (release, name, file, onSent) => upload(access, release, name, file, onSent),
    download: (assetId, onData) => download(access, assetId, onData),
    commitOfTag: (tag) => ask(() => commitOfTag(access, tag)),
  };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new GithubError("ANSWER", `GitHub described ${what} in a way this program does not know`, {
    details: result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`),
    fix: "look for a newer version of this program",
  });
}

/** Octokit's errors carry the whole request; of those only what may be shown goes on. */
export async function asking<T>({ clock }: Pick<Access, "clock">, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.cause instanceof HttpError) throw explainSilence(error.cause);
    if (error instanceof HttpError) throw explainSilence(error);
    if (!isRequestError(error)) throw error;
    const { method, url } = error.request;
    throw explainRefusal(
      {
        what: `${method} ${new URL(url).pathname}`,
        status: error.status,
        headers: error.response?.headers ?? {},
        said: error.message,
      },
      clock.now(),
    );
  }
}

interface RequestErrorLike extends Error {
  readonly status: number;
  readonly request: { readonly method: string; readonly url: string };
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> };
}

function isRequestError(error: Error): error is RequestErrorLike {
  return "status" in error && "request" in error;
}

/** Beside octokit: `fetch` would keep all of a streamed body in memory. */
async function upload(
  access: Access,
  release: Pick<GithubRelease, "upload_url">,
  name: string,
  file: UploadFile,
  onSent: ((bytes: number) => void) | undefined,
): Promise<GithubAsset> {
  const url = new URL(release.upload_url.replace(/\{.*\}$/, ""));
  url.searchParams.set("name", name);
  const answer = await transfer(access, {
    method: "POST",
    url: url.href,
    accept: "application/vnd.github+json",
    body: file,
    ...(onSent === undefined ? {} : { onSent }),
  });
  return parsed(githubAsset, parseJson(answer.body), "the new asset");
}

async function download(
  access: Access,
  assetId: number,
  onData: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  const { owner, repo, apiUrl } = access.options;
  const url = `${apiUrl}/repos/${owner}/${repo}/releases/assets/${assetId}`;
  await transfer(access, { method: "GET", url, accept: "application/octet-stream", redirects: 5, onData });
}

interface Transfer {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly accept: string;
  readonly body?: UploadFile;
  readonly redirects?: number;
  readonly onSent?: (bytes: number) => void;
  readonly onData?: (chunk: Buffer) => void | Promise<void>;
}

async function transfer(access: Access, { accept, ...request }: Transfer) {
  const { options, checkpoint, signal, clock } = access;
  const what = `${request.method} ${new URL(request.url).pathname}`;
  const headers = {
    accept,
    authorization: `Bearer ${options.token}`,
    "user-agent": USER_AGENT,
    ...(request.body === undefined ? {} : { "content-type": "application/octet-stream" }),
  };
  const answer = await between(checkpoint, what, () =>
    send({ ...request, headers, limits: options.transferLimits, signal }).catch((error: unknown) => {
      throw error instanceof HttpError ? explainSilence(error) : error;
    }),
  );
  if (answer.status >= 200 && answer.status < 300) return answer;
  const said = saidIn(answer.body);
  throw explainRefusal({ what, status: answer.status, headers: answer.headers, said }, clock.now());
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** GitHub's message and its codes, as in `Validation Failed (already_exists)`. */
function saidIn(body: Buffer): string {
  const answer = parseJson(body);
  if (typeof answer !== "object" || answer === null) return "";
  const codes = "errors" in answer ? [...JSON.stringify(answer.errors).matchAll(/"code":"(\w+)"/g)] : [];
  const message = "message" in answer ? String(answer.message) : "";
  return codes.length === 0 ? message : `${message} (${codes.map(([, code]) => code).join(", ")})`;
}

/** A tag of a tag of a tag ... ends somewhere. */
const MOST_TAGS = 5;

async function commitOfTag({ client, options }: Access, tag: string): Promise<string | undefined> {
  const { owner, repo } = options;
  try {
    const { data } = await client.rest.git.getRef({ owner, repo, ref: `tags/${tag}` });
    let { object } = parsed(githubTarget, data, "the tag");
    for (let left = MOST_TAGS; object.type === "tag" && left > 0; left -= 1) {
      const next = await client.rest.git.getTag({ owner, repo, tag_sha: object.sha });
      object = parsed(githubTarget, next.data, "the tag").object;
    }
    return object.sha;
  } catch (error) {
    if (error instanceof Error && isRequestError(error) && error.status === 404) return undefined;
    throw error;
  }
}
