import { join, resolve } from "node:path";
import type { World } from "../lib/external/world.ts";
import { ReleaseError } from "../lib/release/failure.ts";
import type { ReleaseStore } from "../lib/release/store.ts";

/** Where releases go that name no other place: `store/` of the project, ignored by git. */
export function defaultStore(project: string): string {
  return join(project, "store");
}

export type StorePlace =
  | { readonly kind: "local"; readonly folder: string }
  | { readonly kind: "github"; readonly owner: string; readonly repo: string };

const GITHUB = /^github:([A-Za-z0-9][A-Za-z0-9-]*)\/([A-Za-z0-9._-]+)$/;

/** `github:OWNER/REPO`, or a folder. Throws ReleaseError STORE for what only looks like the first. */
export function storePlace(given: string | undefined, project: string): StorePlace {
  if (given === undefined) return { kind: "local", folder: defaultStore(project) };
  const match = GITHUB.exec(given);
  if (match?.[1] !== undefined && match[2] !== undefined) {
    return { kind: "github", owner: match[1], repo: match[2] };
  }
  if (given.startsWith("github:")) {
    throw new ReleaseError("STORE", `--store ${given}: this names no repository`, {
      fix: "write it as github:OWNER/REPO",
    });
  }
  return { kind: "local", folder: resolve(given) };
}

/** Names of what a runner has; a token for tests and for people is the same one. */
const TOKEN = "GITHUB_TOKEN";

/** Takes the token out of the environment, so that nothing started later has it. */
export function takeToken(env: Record<string, string | undefined>): string | undefined {
  const token = env[TOKEN];
  delete env[TOKEN];
  return token === "" ? undefined : token;
}

/** Opens a store. Throws ReleaseError DENIED where GitHub's needs a token and there is none. */
export async function openStore(
  place: StorePlace,
  token: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  world: World,
): Promise<ReleaseStore> {
  if (place.kind === "local") {
    const { localStore } = await import("../lib/release/local-store.ts");
    return localStore({ folder: place.folder }, world);
  }
  const { owner, repo } = place;
  if (token === undefined) {
    throw new ReleaseError("DENIED", `publishing to github.com/${owner}/${repo} needs a token`, {
      fix: `set ${TOKEN} to one with the permission contents: write`,
    });
  }
  const [{ openGithub }, { githubStore }, { API_LIMITS, ASSET_LIMITS, TRANSFER_LIMITS }] = await Promise.all([
    import("../lib/external/github.ts"),
    import("../lib/release/github-store.ts"),
    import("../lib/release/limits.ts"),
  ]);
  const apiUrl = env.GITHUB_API_URL || "https://api.github.com";
  const transferLimits = { ...TRANSFER_LIMITS, maxAnswerBytes: ASSET_LIMITS.maxBytes };
  const options = { owner, repo, token, apiUrl, limits: API_LIMITS, transferLimits };
  const serverUrl = env.GITHUB_SERVER_URL || "https://github.com";
  return githubStore(openGithub(options, world), { repository: `${owner}/${repo}`, serverUrl });
}
