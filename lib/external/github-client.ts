import { Octokit } from "@octokit/core";
import { paginateRest } from "@octokit/plugin-paginate-rest";
import { restEndpointMethods } from "@octokit/plugin-rest-endpoint-methods";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { between, type Checkpoint } from "./checkpoint.ts";
import { HttpError, type HttpLimits, send } from "./http.ts";

export interface GithubWaits {
  /** What a second of waiting takes, in milliseconds: 1000, and less in tests only. */
  readonly secondMs: number;
  /** Whether writes keep the distance GitHub asks for: 1 s, and 3 s between releases. */
  readonly spaced: boolean;
}

export interface GithubClientOptions {
  readonly token: string;
  /** `https://api.github.com`, or GITHUB_API_URL of an enterprise server. */
  readonly apiUrl: string;
  readonly waits: GithubWaits;
  readonly limits: HttpLimits;
  readonly checkpoint: Checkpoint;
  readonly signal: AbortSignal;
}

export const USER_AGENT = "home-pi-cluster";

const Client = Octokit.plugin(restEndpointMethods, paginateRest, retry, throttling);
export type GithubClient = InstanceType<typeof Client>;

/** Those that another try does not change, and limits: who waits for these is the caller, interruptibly. */
const NO_RETRY = [400, 401, 403, 404, 409, 410, 422, 429, 451];

const silent = () => undefined;

/** GitHub's own client for JSON calls. Reads are tried again by it; writes are not, see `once`. */
export function githubClient(options: GithubClientOptions): GithubClient {
  const { token, apiUrl, waits } = options;
  return new Client({
    auth: token,
    baseUrl: apiUrl,
    userAgent: USER_AGENT,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: fetchThrough(options) },
    retry: { doNotRetry: NO_RETRY, retryAfterBaseValue: waits.secondMs },
    // Limits are left to the caller; what this is for is the distance between writes.
    throttle: { enabled: waits.spaced, onRateLimit: () => false, onSecondaryRateLimit: () => false },
  });
}

/** For writes: one whose answer was lost may have worked, and a second one would make a second release. */
export const once = { request: { retries: 0 } } as const;

interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `fetch` for octokit, with our time limits, size limits, proxies and checkpoints. */
function fetchThrough({ limits, checkpoint, signal }: GithubClientOptions) {
  return async (url: string, init: FetchInit): Promise<Response> => {
    const { method = "GET", headers = {}, body } = init;
    const name = `${method} ${new URL(url).pathname}`;
    const answer = await between(checkpoint, name, () =>
      send({
        ...{ method, url, headers, limits, signal },
        ...(body === undefined ? {} : { body: Buffer.from(body) }),
        ...(method === "GET" ? { redirects: 3 } : {}),
      }).catch(asAbort),
    );
    const content = answer.body.length === 0 ? null : new Uint8Array(answer.body);
    return new Response(content, { status: answer.status, headers: answer.headers });
  };
}

/** Octokit tries again whatever fails, but for what is called so. */
function asAbort(error: unknown): never {
  if (error instanceof HttpError && error.code === "INTERRUPTED") {
    throw Object.assign(new Error(error.message, { cause: error }), { name: "AbortError" });
  }
  throw error;
}
