import { explainChange } from "../cluster/compile.ts";
import { escapeCell } from "../progress/markdown.ts";
import type { BaseComparison } from "./against-base.ts";
import type { BaseBuild } from "./base-build.ts";
import { diffMarkdown, diffTables } from "./markdown.ts";
import type { ImageDiff } from "./schema.ts";

export interface Compared {
  /** The build: `agent-rpi-arm64`. */
  readonly id: string;
  readonly buildId: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** The commit the change is based on. */
  readonly commit: string;
}

const short = (digest: string): string => digest.slice(0, 12);

/** A comparison with the base branch's build for the summary of a job: what is compared, then the tables. */
export function baseMarkdown(comparison: BaseComparison, compared: Compared): string {
  const heading = `### What changes in ${compared.id}\n\n`;
  switch (comparison.kind) {
    case "none":
      return `${heading}Not compared: ${escapeCell(comparison.why)}.\n`;
    case "same":
      return `${heading}Nothing: build ${short(compared.buildId)} is the base branch's as well.\n`;
    case "packages":
      return heading + withWhom(comparison.base, compared) + packageList(comparison);
    case "image":
      return heading + withWhom(comparison.base, compared) + diffMarkdown(named(comparison, compared));
  }
}

function withWhom(base: BaseBuild, { commit, inputs }: Compared): string {
  const changed = explainChange(base.info.inputs, inputs);
  const of =
    base.commit === commit
      ? `commit ${short(commit)}, which this change is based on`
      : `commit ${short(base.commit)}, the newest there is: of ${short(commit)}, which this change is based on, none is kept. What came in between is in here, too`;
  const inputsChanged = changed.length === 0 ? "" : ` Inputs that differ: ${changed.join(", ")}.`;
  const debian = changed.includes("packages") ? " What Debian updated since is in here, too." : "";
  return `Compared with build ${short(base.info.buildId)} of ${of}.${escapeCell(inputsChanged)}${debian}\n\n`;
}

/** Both sides by what they are: in the cache all images have one name. */
function named({ base, diff }: { base: BaseBuild; diff: ImageDiff }, { buildId }: Compared): ImageDiff {
  const [before, after] = diff.images;
  const images: ImageDiff["images"] = [
    { ...before, name: `the base's image (${short(base.info.buildId)})` },
    { ...after, name: `this one (${short(buildId)})` },
  ];
  return { ...diff, images };
}

function packageList({ packages, why }: Extract<BaseComparison, { kind: "packages" }>): string {
  const told = `Only the package lists are compared: ${escapeCell(why)}.`;
  if (packages.length === 0) return `${told} They are the same.\n`;
  const listed = { packages: [...packages], paths: [], boot: [], disk: [], bytes: [] };
  return `${told}\n${diffTables({ version: 1, ...listed })}`;
}
