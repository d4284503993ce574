export interface Removable {
  readonly path: string;
  readonly what: string;
}

/** What GitHub's runner images bring along and no build of images needs, the largest first. */
export const removable: readonly Removable[] = [
  { path: "/usr/local/lib/android", what: "the Android SDK" },
  { path: "/usr/share/dotnet", what: ".NET" },
  { path: "/opt/hostedtoolcache/CodeQL", what: "CodeQL" },
  { path: "/opt/ghc", what: "Haskell" },
  { path: "/usr/local/.ghcup", what: "Haskell's installer" },
  { path: "/usr/share/swift", what: "Swift" },
];

export interface DiskFacts {
  readonly freeBytes: number;
  /** What room is made for, where there is something to remove. */
  readonly wantedBytes: number;
  /** What a build does not begin without. */
  readonly neededBytes: number;
  /** Whether the machine is GitHub's and ends with the job: on nobody else's is anything removed. */
  readonly hosted: boolean;
  /** What is still there. */
  readonly left: readonly Removable[];
}

/**
 * What to remove next. Nothing is removed while there is what is wanted. `short`: less, and nothing left to remove,
 * but a build can run; `impossible`: it cannot.
 */
export function planFreeing(facts: DiskFacts): "enough" | "short" | "impossible" | Removable {
  const { freeBytes, wantedBytes, neededBytes, hosted, left } = facts;
  if (freeBytes >= wantedBytes) return "enough";
  const next = hosted ? left[0] : undefined;
  return next ?? (freeBytes >= neededBytes ? "short" : "impossible");
}
