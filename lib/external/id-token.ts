import { z } from "zod";
import { GithubError } from "./github-failure.ts";
import { type HttpLimits, send } from "./http.ts";

export interface IdTokenSource {
  /** ACTIONS_ID_TOKEN_REQUEST_URL of a job with `id-token: write`. */
  readonly url: string;
  /** ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
  readonly token: string;
}

const answer = z.object({ value: z.string().min(1) });

/** A token by which GitHub says to `audience` which workflow, commit and runner we are. Throws GithubError, HttpError. */
export async function requestIdToken(
  source: IdTokenSource,
  audience: string,
  limits: HttpLimits,
  signal: AbortSignal,
): Promise<string> {
  const url = new URL(source.url);
  url.searchParams.set("audience", audience);
  const headers = { authorization: `Bearer ${source.token}`, accept: "application/json" };
  const { status, body } = await send({ method: "GET", url: url.href, headers, limits, signal });
  const parsed = status === 200 ? answer.safeParse(JSON.parse(body.toString("utf8"))) : undefined;
  if (parsed?.success === true) return parsed.data.value;
  throw new GithubError("ANSWER", `GitHub gave no identity token (${status})`, {
    fix: "give the job `id-token: write`",
  });
}

/** What a token says, unchecked: it comes from GitHub itself. */
export function claimsOf(token: string): Readonly<Record<string, string>> {
  const [, payload = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, String(value)]));
}
