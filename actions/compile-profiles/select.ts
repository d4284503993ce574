import { explainChange } from "../../lib/cluster/compile.ts";
import type { Build, Plan } from "../../lib/cluster/plan.ts";
import { ActionError } from "../runner/failure.ts";

/** A build and why it is selected; an empty reason means it is not. */
export interface Selection {
  readonly build: Build;
  readonly why: string;
}

/** Every build of the plan. */
export function selectAll(plan: Plan): Selection[] {
  return plan.builds.map((build) => ({ build, why: "all builds are wanted" }));
}

/** The builds of the named profiles. Throws ActionError INPUT for a name that has no build. */
export function selectProfiles(plan: Plan, profiles: readonly string[]): Selection[] {
  const known = [...new Set(plan.builds.map((build) => build.profile))];
  const unknown = profiles.filter((name) => !known.includes(name));
  if (unknown.length > 0 || profiles.length === 0) {
    throw new ActionError(
      "INPUT",
      `input \`profiles\`: no build for ${unknown.join(", ") || "an empty list"}`,
      {
        fix: `choose among ${known.join(", ")}`,
      },
    );
  }
  return plan.builds.map((build) => ({
    build,
    why: profiles.includes(build.profile) ? "named in the inputs" : "",
  }));
}

/** The builds whose build id the other state does not have; without one to compare with, all. */
export function selectAffected(plan: Plan, before: Plan | undefined): Selection[] {
  if (before === undefined) return plan.builds.map((build) => ({ build, why: "nothing to compare with" }));
  const earlier = new Map(before.builds.map((build) => [build.id, build]));
  return plan.builds.map((build) => ({ build, why: whyAffected(build, earlier.get(build.id)) }));
}

function whyAffected(build: Build, before: Build | undefined): string {
  if (before === undefined) return "new";
  if (before.buildId === build.buildId) return "";
  return `changed: ${explainChange(before.inputs, build.inputs).join(", ")}`;
}

export interface Matrix {
  readonly include: readonly { readonly id: string; readonly profile: string; readonly board: string }[];
}

/** Ids only: what a job needs beyond them it reads from the definition again. */
export function matrixOf(selections: readonly Selection[]): Matrix {
  const wanted = selections.filter(({ why }) => why !== "");
  return { include: wanted.map(({ build: { id, profile, board } }) => ({ id, profile, board })) };
}
