import { Failure, formatPlace, type Place } from "../failure.ts";

/** Everything that can be wrong with cluster.yaml or identity.yaml. Each code has a fixture in the tests. */
export const definitionCodes = [
  "FILE_NOT_FOUND",
  "FILE_UNREADABLE",
  "FILE_TOO_LARGE",
  "YAML_SYNTAX",
  "YAML_ALIASES",
  "DUPLICATE_KEY",
  "UNKNOWN_KEY",
  "MISSING_KEY",
  "WRONG_TYPE",
  "WRONG_VALUE",
  "NAME",
  "UNKNOWN_PROFILE",
  "UNKNOWN_BOARD",
  "UNKNOWN_NODE",
  "NO_BOARD",
  "INHERITANCE_CYCLE",
  "ABSTRACT_PROFILE",
  "NO_BUILDS",
  "TOO_MANY_BUILDS",
  "ROLE",
  "PACKAGE",
  "OVERLAY",
  "VARIABLE",
  "SSH_KEY",
  "WINDOW",
  "TIME_ZONE",
  "WAYPOINT",
  "SNAPSHOT",
  "BASE",
] as const;

export type DefinitionCode = (typeof definitionCodes)[number];

export interface Problem {
  readonly code: DefinitionCode;
  readonly message: string;
  readonly place: Place;
  /** The value as the file has it, in short; absent where a key is missing or the value must not be shown. */
  readonly value?: string;
  /** What to write instead. */
  readonly fix: string;
}

/** `cluster.yaml:12:7: unknown profile "agnet" in nodes.pi-2.profile (did you mean "agent"?)` */
export function formatProblem(problem: Problem): string {
  return `${formatPlace(problem.place)}: ${problem.message} (${problem.fix})`;
}

/** All problems of one file at once, in the order of the file. Its code is the first problem's. */
export class DefinitionError extends Failure<DefinitionCode> {
  readonly area = "definition";
  readonly problems: readonly Problem[];

  constructor(first: Problem, ...others: readonly Problem[]) {
    const problems = [first, ...others].sort(byPlace);
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super((problems[0] ?? first).code, count, {
      place: { file: first.place.file },
      details: problems.map(formatProblem),
    });
    this.problems = problems;
  }
}

function byPlace(a: Problem, b: Problem): number {
  return (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0);
}

/** Throws one DefinitionError for all problems; returns where there is none. */
export function throwProblems(problems: readonly Problem[]): void {
  const [first, ...others] = problems;
  if (first !== undefined) throw new DefinitionError(first, ...others);
}
