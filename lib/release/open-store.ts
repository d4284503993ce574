import { resolve } from "node:path";
import type { Checkpoint } from "../external/checkpoint.ts";
import { openGithub } from "../external/github.ts";
import type { GithubWaits } from "../external/github-client.ts";
import type { World } from "../external/world.ts";
import { ReleaseError } from "./failure.ts";
import { githubStore } from "./github-store.ts";
import { CALL_LIMITS, TRANSFER_LIMITS } from "./limits.ts";
import { localStore } from "./local-store.ts";
import type { ReleaseStore } from "./store.ts";

export type StoreName =
  | { readonly kind: "local"; readonly folder: string }
  | { readonly kind: "github"; readonly owner: string; readonly repo: string };

export interface OpenStoreOptions {
  /** Where GITHUB_TOKEN, GITHUB_API_URL and GITHUB_SERVER_URL are looked for. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly checkpoint?: Checkpoint;
  /** Shorter in tests only. */
  readonly waits?: GithubWaits;
}

const GITHUB = /^github:([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))\/([A-Za-z0-9._-]{1,100})$/;
const FORM = "write --store github:OWNER/REPO, or the name of a folder";

/** What `--store` names. Throws ReleaseError STORE. */
export function parseStore(text: string): StoreName {
  const [, owner, repo] = GITHUB.exec(text) ?? [];
  if (owner !== undefined && repo !== undefined && !/^\.+$/.test(repo))
    return { kind: "github", owner, repo };
  if (text === "" || /^[a-z]+:/i.test(text)) {
    throw new ReleaseError("STORE", `${JSON.stringify(text)} is no store`, { fix: FORM });
  }
  return { kind: "local", folder: resolve(text) };
}

/** Opens a store without touching it. Throws ReleaseError DENIED where GitHub's token is missing. */
export function openStore(name: StoreName, options: OpenStoreOptions, world: World): ReleaseStore {
  const { env, checkpoint } = options;
  const points = checkpoint === undefined ? {} : { checkpoint };
  const waits = options.waits === undefined ? {} : { waits: options.waits };
  if (name.kind === "local") return localStore({ folder: name.folder, ...points }, world);
  const { owner, repo } = name;
  const token = env.GITHUB_TOKEN?.trim() ?? "";
  if (token === "") {
    throw new ReleaseError("DENIED", `there is no token for github.com/${owner}/${repo}`, {
      fix: "put one that may write the repository's contents into the environment: GITHUB_TOKEN",
    });
  }
  const github = openGithub(
    {
      ...{ owner, repo, token, limits: CALL_LIMITS, transferLimits: TRANSFER_LIMITS, ...points, ...waits },
      apiUrl: withoutSlash(env.GITHUB_API_URL ?? "https://api.github.com"),
    },
    world,
  );
  const serverUrl = withoutSlash(env.GITHUB_SERVER_URL ?? "https://github.com");
  return githubStore(github, { repository: `${owner}/${repo}`, serverUrl });
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");
