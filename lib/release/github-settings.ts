import { z } from "zod";
import type { GithubApi } from "../external/github-api.ts";
import { GithubError } from "../external/github-failure.ts";
import type { Finding } from "../image/preflight.ts";
import { secretNames } from "../keys/places.ts";

// What of GitHub's answers is used. `undefined` everywhere: GitHub says 404.
const repository = z.object({ default_branch: z.string(), visibility: z.string().optional() });
const actions = z.object({ enabled: z.boolean() });
const workflow = z.object({ default_workflow_permissions: z.enum(["read", "write"]) });
const environment = z.object({ deployment_branch_policy: z.looseObject({}).nullish() });
const secrets = z.object({ secrets: z.array(z.object({ name: z.string() })) });
const pages = z.object({ source: z.object({ branch: z.string(), path: z.string() }).nullish() });

/** The environments of the workflows, and the secrets a person puts into each. */
export const ENVIRONMENTS = {
  release: [secretNames.signingKey, secretNames.signing],
  manifest: [secretNames.targets, secretNames.online],
} as const;

export type EnvironmentName = keyof typeof ENVIRONMENTS;

export interface EnvironmentFacts {
  /** Whether only certain branches or tags may use it. */
  readonly limited: boolean;
  readonly secrets: readonly string[];
}

/** A repository's settings, as far as the workflows need them. */
export interface GithubSettings {
  /** Undefined where the token sees no such repository. */
  readonly repository: z.infer<typeof repository> | undefined;
  readonly actionsEnabled: boolean;
  readonly tokenWrites: boolean;
  readonly environments: Readonly<Record<EnvironmentName, EnvironmentFacts | undefined>>;
  readonly pages: { readonly branch: string; readonly path: string } | undefined;
}

async function readEnvironment(
  api: Pick<GithubApi, "look">,
  name: string,
): Promise<EnvironmentFacts | undefined> {
  const found = environment.safeParse(await api.look(`/environments/${name}`)).data;
  if (found === undefined) return undefined;
  const listed = secrets.safeParse(await api.look(`/environments/${name}/secrets`)).data;
  return {
    limited: (found.deployment_branch_policy ?? undefined) !== undefined,
    secrets: (listed?.secrets ?? []).map((secret) => secret.name),
  };
}

/** Asks GitHub. Throws GithubError DENIED where the token may not see settings. */
export async function readSettings(api: Pick<GithubApi, "look">): Promise<GithubSettings> {
  const found = repository.safeParse(await api.look("")).data;
  if (found === undefined) {
    return {
      ...{ repository: undefined, actionsEnabled: false, tokenWrites: false, pages: undefined },
      environments: { release: undefined, manifest: undefined },
    };
  }
  const permissions = workflow.safeParse(await api.look("/actions/permissions/workflow")).data;
  return {
    repository: found,
    actionsEnabled: actions.safeParse(await api.look("/actions/permissions")).data?.enabled ?? false,
    tokenWrites: permissions?.default_workflow_permissions === "write",
    environments: {
      release: await readEnvironment(api, "release"),
      manifest: await readEnvironment(api, "manifest"),
    },
    pages: pages.safeParse(await api.look("/pages")).data?.source ?? undefined,
  };
}

const finding = (name: string, ok: boolean, found: string, fix: string): Finding => ({
  name,
  ok,
  found,
  fix,
});

/** One finding a setting, in the order of docs/github.md. */
export function judgeSettings(settings: GithubSettings): Finding[] {
  const { repository: repo, actionsEnabled, tokenWrites, environments, pages: served } = settings;
  if (repo === undefined) {
    const fix = "check the name, and that GITHUB_TOKEN may read this repository's administration";
    return [finding("repository", false, "not there for this token", fix)];
  }
  const isPublic = repo.visibility === "public";
  return [
    {
      ...finding(
        "visibility",
        isPublic,
        repo.visibility ?? "unknown",
        "public: nothing in it is secret, minutes and attestations are free, nodes need no token",
      ),
      ...(isPublic ? {} : { warning: true as const }),
    },
    finding(
      "workflows",
      actionsEnabled,
      actionsEnabled ? "run" : "switched off",
      "Settings, Actions, General: allow actions",
    ),
    finding(
      "a job's token, by default",
      !tokenWrites,
      tokenWrites ? "may write" : "reads",
      "Settings, Actions, General, Workflow permissions: read",
    ),
    ...(Object.keys(ENVIRONMENTS) as EnvironmentName[]).flatMap((name) =>
      judgeEnvironment(name, environments[name], repo.default_branch),
    ),
    finding(
      "pages",
      served?.branch === "manifest" && served.path === "/",
      served === undefined ? "off" : `branch ${served.branch}, folder ${served.path}`,
      "Settings, Pages: from the branch manifest, folder / (root); the branch is there after the first run of manifest.yml",
    ),
  ];
}

function judgeEnvironment(
  name: EnvironmentName,
  facts: EnvironmentFacts | undefined,
  defaultBranch: string,
): Finding[] {
  const who = name === "release" ? "tags v*, and the default branch" : `the branch ${defaultBranch}`;
  const limit = `Settings, Environments, ${name}: deployment only from ${who}`;
  if (facts === undefined) {
    return [
      finding(`environment ${name}`, false, "missing", `Settings, Environments: make ${name}; ${limit}`),
    ];
  }
  const missing = ENVIRONMENTS[name].filter((secret) => !facts.secrets.includes(secret));
  return [
    finding(`environment ${name}`, facts.limited, facts.limited ? "limited" : "open to every branch", limit),
    finding(
      `secrets of ${name}`,
      missing.length === 0,
      missing.length === 0 ? "present" : `without ${missing.join(", ")}`,
      "./pi keys init says the commands, also for keys that are there",
    ),
  ];
}

/** Why a question could not be asked, as a finding. */
export function deniedFinding(error: unknown): Finding {
  if (!(error instanceof GithubError)) throw error;
  const fix =
    "give GITHUB_TOKEN a token of the owner's that may read Administration, Actions, Environments and Pages";
  return finding("questions to GitHub", false, error.message, fix);
}
