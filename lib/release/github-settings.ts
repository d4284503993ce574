import { z } from "zod";
import type { GithubApi } from "../external/github-api.ts";
import { GithubError } from "../external/github-failure.ts";
import type { Finding } from "../image/preflight.ts";
import { secretNames } from "../keys/places.ts";
import { type Admission, judgeAdmission } from "./deployment-rules.ts";

// What of GitHub's answers is used. `undefined` everywhere: GitHub says 404.
const repository = z.object({ default_branch: z.string(), visibility: z.string().optional() });
const actions = z.object({ enabled: z.boolean() });
const workflow = z.object({ default_workflow_permissions: z.enum(["read", "write"]) });
const environment = z.object({
  deployment_branch_policy: z.object({ protected_branches: z.boolean() }).nullish(),
});
const rules = z.object({
  branch_policies: z.array(z.object({ name: z.string(), type: z.enum(["branch", "tag"]).default("branch") })),
});
const secrets = z.object({ secrets: z.array(z.object({ name: z.string() })) });
const pages = z.object({ source: z.object({ branch: z.string(), path: z.string() }).nullish() });

/** The branch whose pushes main.yml, as it comes, runs for. */
const BRANCH = "main";

/** The environments of the workflows, and the secrets that each needs. */
const ENVIRONMENTS = {
  release: [secretNames.signingKey, secretNames.signing],
  manifest: [secretNames.online],
} as const;

type EnvironmentName = keyof typeof ENVIRONMENTS;

interface EnvironmentFacts {
  readonly admission: Admission;
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
  const policy = found.deployment_branch_policy ?? undefined;
  const listed = secrets.safeParse(await api.look(`/environments/${name}/secrets`)).data;
  return {
    admission:
      policy === undefined
        ? "everyone"
        : policy.protected_branches
          ? "protected"
          : await readRules(api, name),
    secrets: (listed?.secrets ?? []).map((secret) => secret.name),
  };
}

async function readRules(api: Pick<GithubApi, "look">, name: string): Promise<Admission> {
  const path = `/environments/${name}/deployment-branch-policies`;
  const listed = rules.safeParse(await api.look(path)).data?.branch_policies ?? [];
  return listed.map(({ name: pattern, type }) => ({ type, pattern }));
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
    judgeBranch(repo.default_branch),
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

function judgeBranch(name: string): Finding {
  const ok = name === BRANCH;
  const fix =
    `rename it to ${BRANCH}, or write ${JSON.stringify(name)} under \`branches\` in .github/workflows/main.yml: ` +
    "else nothing is built on it that pull requests could be compared with";
  return { ...finding("default branch", ok, name, fix), ...(ok ? {} : { warning: true as const }) };
}

function judgeEnvironment(
  name: EnvironmentName,
  facts: EnvironmentFacts | undefined,
  defaultBranch: string,
): Finding[] {
  const tags = name === "release";
  const who = tags ? `the tag v* and the branch ${defaultBranch}` : `the branch ${defaultBranch} only`;
  const limit = `Settings, Environments, ${name}: "Selected branches and tags", with a rule for ${who}`;
  if (facts === undefined) {
    return [
      finding(`environment ${name}`, false, "missing", `Settings, Environments: make ${name}; ${limit}`),
    ];
  }
  const missing = ENVIRONMENTS[name].filter((secret) => !facts.secrets.includes(secret));
  return [
    {
      ...{ name: `environment ${name}`, fix: limit },
      ...judgeAdmission(facts.admission, { branch: defaultBranch, tags }),
    },
    finding(
      `secrets of ${name}`,
      missing.length === 0,
      missing.length === 0 ? "present" : `without ${missing.join(", ")}`,
      "./pi keys init says the commands, also for keys that are there",
    ),
    ...(name === "manifest" && !facts.secrets.includes(secretNames.targets) ? [SIGNED_ELSEWHERE] : []),
  ];
}

/** Right for those who chose it, and easily forgotten by others. */
const SIGNED_ELSEWHERE: Finding = {
  ...finding(
    secretNames.targets,
    false,
    "left out: each release waits until you sign it with ./pi keys approve",
    "nothing, where you sign on a machine of your own; else ./pi keys init says the command",
  ),
  warning: true,
};

/** Why a question could not be asked, as a finding. */
export function deniedFinding(error: unknown): Finding {
  if (!(error instanceof GithubError)) throw error;
  const fix =
    "give GITHUB_TOKEN a token of the owner's that may read Administration, Actions, Environments and Pages";
  return finding("questions to GitHub", false, error.message, fix);
}
