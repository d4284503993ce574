import { Failure, type FailureOptions } from "../failure.ts";
import type { HttpError } from "./http.ts";

export type GithubCode =
  | "DENIED"
  | "NOT_FOUND"
  | "INVALID"
  | "LIMITED"
  | "SERVER"
  | "UNREACHABLE"
  | "ANSWER"
  | "INTERRUPTED";

/** Why GitHub did not do what it was asked, or did it without an answer that arrived. */
export class GithubError extends Failure<GithubCode> {
  readonly area = "github";
  /** Of the answer; undefined where none arrived. */
  readonly status: number | undefined;
  /** How long GitHub wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: GithubCode,
    message: string,
    options: FailureOptions & { readonly status?: number; readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(code, message, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface Refusal {
  /** `GET /repos/...`: what was asked, without secrets. */
  readonly what: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** GitHub's own words. */
  readonly said: string;
}

/** GitHub's documentation: after a secondary limit without `retry-after`, wait for a minute at least. */
const SECONDARY_WAIT_MS = 60_000;

/** How long to wait after a limit; undefined where it was none. `nowMs` since 1970. */
function limitWait({ status, headers, said }: Refusal, nowMs: number): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const after = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(after)) return after * 1000;
  if (String(headers["x-ratelimit-remaining"]) === "0") {
    return Math.max(Number(headers["x-ratelimit-reset"] ?? 0) * 1000 - nowMs, 0) + 1000;
  }
  return status === 429 || /secondary rate/i.test(said) ? SECONDARY_WAIT_MS : undefined;
}

/** An answer that is no success, as an error. */
export function explainRefusal(refusal: Refusal, nowMs: number): GithubError {
  const { what, status, said } = refusal;
  const message = `GitHub answered ${what} with ${status}${said === "" ? "" : `: ${said}`}`;
  const retryAfterMs = limitWait(refusal, nowMs);
  if (retryAfterMs !== undefined) return new GithubError("LIMITED", message, { status, retryAfterMs });
  if (status === 401) {
    const fix = "give a token that is not expired: GITHUB_TOKEN";
    return new GithubError("DENIED", message, { status, fix });
  }
  if (status === 403) {
    const fix = "give a token that may write the repository's contents: GITHUB_TOKEN";
    return new GithubError("DENIED", message, { status, fix });
  }
  if (status === 404) return new GithubError("NOT_FOUND", message, { status });
  return new GithubError(status >= 500 ? "SERVER" : "INVALID", message, { status });
}

/** An exchange without an answer. */
export function explainSilence(error: HttpError): GithubError {
  const code = error.code === "INTERRUPTED" ? "INTERRUPTED" : "UNREACHABLE";
  return new GithubError(code, error.message, error.fix === undefined ? {} : { fix: error.fix });
}
