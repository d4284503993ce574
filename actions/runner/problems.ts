import { isAbsolute, relative, resolve, sep } from "node:path";
import { DefinitionError, type Problem } from "../../lib/cluster/failure.ts";
import { describeFailure, Failure, formatPlace, type Place } from "../../lib/failure.ts";
import { markdownTable } from "../../lib/progress/markdown.ts";
import type { Remark } from "./ending.ts";

export interface Folders {
  /** What a problem's file is relative to. */
  readonly project: string;
  /** What GitHub wants it to be relative to. */
  readonly workspace: string;
}

/** The same place, named as GitHub names files of the repository. Files outside keep their absolute path. */
export function inWorkspace(place: Place, folders: Folders): Place {
  const absolute = resolve(folders.project, place.file);
  const inside = relative(folders.workspace, absolute);
  const outside = inside.startsWith("..") || isAbsolute(inside);
  return { ...place, file: outside ? absolute : inside.split(sep).join("/") };
}

/**
 * Every problem of a definition as a remark at its line, and any other failure that says where at that place;
 * undefined for those that do not.
 */
export function problemRemarks(error: unknown, folders: Folders): readonly Remark[] | undefined {
  if (error instanceof DefinitionError) {
    return error.problems.map((problem) => ({
      text: `${problem.message} (${problem.fix})`,
      place: inWorkspace(problem.place, folders),
    }));
  }
  if (!(error instanceof Failure) || error.place === undefined) return undefined;
  const place = inWorkspace(error.place, folders);
  const text = describeFailure(error).join("\n");
  return [{ text: text.replace(formatPlace(error.place), () => formatPlace(place)), place }];
}

/** All problems as a table for the job's summary. */
export function problemTable(problems: readonly Problem[], folders: Folders): string {
  const rows = problems.map(({ place, message, fix }) => [
    formatPlace(inWorkspace(place, folders)),
    message,
    fix,
  ]);
  return `### The definition has problems\n\n${markdownTable(["where", "what", "what to write instead"], rows)}`;
}
