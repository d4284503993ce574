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
  readonly wantedBytes: number;
  /** Whether the machine is GitHub's and ends with the job: on nobody else's is anything removed. */
  readonly hosted: boolean;
  /** What is still there. */
  readonly left: readonly Removable[];
}

/** What to remove next. Nothing is removed while enough is free. */
export function planFreeing(facts: DiskFacts): "enough" | "impossible" | Removable {
  if (facts.freeBytes >= facts.wantedBytes) return "enough";
  return (facts.hosted ? facts.left[0] : undefined) ?? "impossible";
}
