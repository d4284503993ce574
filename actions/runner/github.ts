import { readFileSync } from "node:fs";
import { z } from "zod";
import type { IdTokenSource } from "../../lib/external/id-token.ts";
import { ActionError } from "./failure.ts";

/** Where the runner says we are. */
export interface GithubContext {
  readonly owner: string;
  readonly repo: string;
  /** The commit the workflow runs for. */
  readonly sha: string;
  /** Without a slash at the end. */
  readonly serverUrl: string;
  readonly apiUrl: string;
  /** `public`, `private` or `internal`; `private` where nobody says so. */
  readonly visibility: string;
  /** Undefined without `id-token: write`. */
  readonly idToken: IdTokenSource | undefined;
}

const event = z.looseObject({
  repository: z
    .looseObject({ visibility: z.string().optional(), private: z.boolean().optional() })
    .optional(),
});

function readEvent(path: string | undefined): z.output<typeof event> {
  if (path === undefined || path === "") return {};
  return event.safeParse(JSON.parse(readFileSync(path, "utf8"))).data ?? {};
}

/** Reads the runner's environment. Throws ActionError INPUT where it names no repository. */
export function githubContext(env: Readonly<Record<string, string | undefined>>): GithubContext {
  const [owner, repo] = (env.GITHUB_REPOSITORY ?? "").split("/");
  if (owner === undefined || repo === undefined || owner === "") {
    throw new ActionError("INPUT", "GITHUB_REPOSITORY names no repository", {
      fix: "run this action in a workflow of GitHub Actions",
    });
  }
  const { repository } = readEvent(env.GITHUB_EVENT_PATH);
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url = "", ACTIONS_ID_TOKEN_REQUEST_TOKEN: token = "" } = env;
  return {
    ...{ owner, repo, sha: env.GITHUB_SHA ?? "" },
    serverUrl: (env.GITHUB_SERVER_URL || "https://github.com").replace(/\/+$/, ""),
    apiUrl: (env.GITHUB_API_URL || "https://api.github.com").replace(/\/+$/, ""),
    visibility: repository?.visibility ?? (repository?.private === false ? "public" : "private"),
    idToken: url === "" || token === "" ? undefined : { url, token },
  };
}

/** What action.yml gives where a workflow names no token. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub's, which the runner replaces.
export const JOB_TOKEN = "${{ github.token }}";

/** Whether there is a token: the runner leaves none empty, and others leave its expression as it was. */
export const isToken = (token: string): boolean => token !== "" && token !== JOB_TOKEN;

/** The token, which is taken for none where the runner left its expression as it was. Throws ActionError INPUT. */
export function requireToken(token: string): string {
  if (isToken(token)) return token;
  throw new ActionError("INPUT", "input `token`: is required", {
    fix: "leave it out on GitHub; elsewhere set it under `with:` of the step",
  });
}
