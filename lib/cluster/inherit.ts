import type { Json } from "./plan.ts";
import type { Profile } from "./schema.ts";

/** A profile with everything its ancestors say. `abstract` is its own: it is not inherited. */
export interface ResolvedProfile {
  readonly abstract: boolean;
  readonly board: string | undefined;
  readonly role: "server" | "agent" | undefined;
  readonly packages: readonly string[];
  readonly ansible: { readonly vars: { readonly [name: string]: Json }; readonly roles: readonly string[] };
  readonly boot: { readonly overlays: readonly string[]; readonly watchdog: boolean | undefined };
}

const nothing: ResolvedProfile = {
  abstract: false,
  board: undefined,
  role: undefined,
  packages: [],
  ansible: { vars: {}, roles: [] },
  boot: { overlays: [], watchdog: undefined },
};

/** Lists: the parent's first, each item once. Variables: the child's value replaces the parent's. */
function inherit(parent: ResolvedProfile, child: Profile): ResolvedProfile {
  const joined = (from: readonly string[], own: readonly string[]): string[] => [
    ...new Set([...from, ...own]),
  ];
  return {
    abstract: child.abstract,
    board: child.board ?? parent.board,
    role: child.role ?? parent.role,
    packages: joined(parent.packages, child.packages),
    ansible: {
      vars: { ...parent.ansible.vars, ...child.ansible.vars },
      roles: joined(parent.ansible.roles, child.ansible.roles),
    },
    boot: {
      overlays: joined(parent.boot.overlays, child.boot.overlays),
      watchdog: child.boot.watchdog ?? parent.boot.watchdog,
    },
  };
}

/** Resolves every profile once, in the order of the definition. Expects what the loader has checked: no cycles. */
export function resolveProfiles(profiles: Readonly<Record<string, Profile>>): Map<string, ResolvedProfile> {
  const resolved = new Map<string, ResolvedProfile>();
  const resolve = (name: string): ResolvedProfile => {
    const known = resolved.get(name);
    if (known !== undefined) return known;
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
    if (profile === undefined) throw new Error(`profile ${name} is not in the definition`);
    const parent = profile.extends === undefined ? nothing : resolve(profile.extends);
    const result = inherit(parent, profile);
    resolved.set(name, result);
    return result;
  };
  return new Map(Object.keys(profiles).map((name) => [name, resolve(name)]));
}
