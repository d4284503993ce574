import { digestJson } from "./canonical-json.ts";
import { resolveProfiles } from "./inherit.ts";
import type { Build, Json, Plan } from "./plan.ts";
import type { Definition } from "./schema.ts";

/** A build before its digests are known. */
export type BuildShape = Omit<Build, "buildId" | "inputs">;

/** What shapes an image besides the definition, as digests. */
export interface Sources {
  /** For every image: playbook, tools, assembly, keys ... by the name shown when it changes. */
  readonly digests: Readonly<Record<string, string>>;
  /** Digest of each board's folder. */
  readonly boards: Readonly<Record<string, string>>;
  /** Digest of each role's folder, by the role as the definition writes it. */
  readonly roles: Readonly<Record<string, string>>;
  /** Digest of the resolved package list of a build; undefined while nobody has resolved it. */
  readonly packages: (build: BuildShape) => string | undefined;
}

/** The input `packages` of a build whose package list is not resolved yet: its build id will change. */
export const UNRESOLVED = "unresolved";

/** One build per profile that is not abstract, in the order of the definition. */
export function shapeBuilds(definition: Definition): BuildShape[] {
  return [...resolveProfiles(definition.profiles)].flatMap(([profile, resolved]) => {
    if (resolved.abstract) return [];
    if (resolved.board === undefined) throw new Error(`profile ${profile} has no board`);
    return [
      {
        id: `${profile}-${resolved.board}`,
        profile,
        board: resolved.board,
        role: resolved.role ?? null,
        packages: [...resolved.packages].sort(),
        ansible: resolved.ansible,
        boot: { overlays: resolved.boot.overlays, watchdog: resolved.boot.watchdog ?? true },
      },
    ];
  });
}

/** `update` of the definition, as far as an image carries it. */
export type NodePolicy = Omit<Definition["update"], "waypoints">;

/** How nodes follow releases. Waypoints are no part of an image: each release tells nodes its own. */
export function policyOf({ update }: Definition): NodePolicy {
  const { waypoints: _, ...policy } = update;
  return policy;
}

/** The part of the definition that ends up in this build's image. Nodes do not: identity arrives on the card. */
function definitionPart(definition: Definition, build: BuildShape): Json {
  const { cluster, base } = definition;
  const update = policyOf(definition);
  const { profile, board, role, packages, ansible, boot } = build;
  const part = { cluster, update, base, profile, board, role, packages, ansible, boot };
  // Through JSON: what is undefined and what is absent are the same.
  return JSON.parse(JSON.stringify(part)) as Json;
}

function digestOf(digests: Readonly<Record<string, string>>, name: string, kind: string): string {
  const digest = Object.hasOwn(digests, name) ? digests[name] : undefined;
  if (digest === undefined) throw new Error(`no digest for the ${kind} ${name}`);
  return digest;
}

function inputsOf(definition: Definition, build: BuildShape, sources: Sources): Record<string, string> {
  const roles = build.ansible.roles.map(
    (role) => [`role ${role}`, digestOf(sources.roles, role, "role")] as const,
  );
  return {
    definition: digestJson(definitionPart(definition, build)),
    ...sources.digests,
    board: digestOf(sources.boards, build.board, "board"),
    ...Object.fromEntries(roles),
    packages: sources.packages(build) ?? UNRESOLVED,
  };
}

/** Compiles a checked definition to what is to be built. Pure: the same arguments give the same plan. */
export function compile(definition: Definition, sources: Sources): Plan {
  const builds = shapeBuilds(definition).map((build): Build => {
    const inputs = inputsOf(definition, build, sources);
    return {
      ...build,
      buildId: digestJson({ definition: definitionPart(definition, build), inputs }),
      inputs,
    };
  });
  return { cluster: definition.cluster, builds };
}

/** Names of the inputs that differ, came or went, in the order of `now`. */
export function explainChange(
  previous: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  const names = new Set([...Object.keys(now), ...Object.keys(previous)]);
  return [...names].filter((name) => previous[name] !== now[name]);
}
