import { explainChange, UNRESOLVED } from "./compile.ts";
import type { Build } from "./plan.ts";
import type { BuildRecord } from "./records.ts";

export type BuildState =
  /** Built: nothing to do. */
  | { readonly state: "cached" }
  /** Never built here, or no longer in the cache. */
  | { readonly state: "new" }
  /** Built before from other inputs; `changed` names those that differ. */
  | { readonly state: "changed"; readonly changed: readonly string[] };

/** What is to be done for one build, from its last record and whether the cache has it. */
export function buildState(build: Build, last: BuildRecord | undefined, cached: boolean): BuildState {
  if (cached) return { state: "cached" };
  const changed = last === undefined ? [] : explainChange(last.inputs, build.inputs);
  return changed.length === 0 ? { state: "new" } : { state: "changed", changed };
}

/** Whether the build id is final: the archive has been asked for the package list. */
export function isResolved(build: Build): boolean {
  return build.inputs.packages !== UNRESOLVED;
}

/** `cached`, `new`, `changed: packages, playbook`. */
export function describeState(state: BuildState): string {
  return state.state === "changed" ? `changed: ${state.changed.join(", ")}` : state.state;
}
