import prettyBytes from "pretty-bytes";
import type { ReleaseDocument, ReleasedBuild } from "./document.ts";
import { SUMS, SUMS_SIGNATURE } from "./names.ts";
import { describeChange, type PackageChange } from "./package-changes.ts";
import { describeWaypoints } from "./waypoints.ts";

export interface NotesRequest {
  readonly document: Omit<ReleaseDocument, "assets">;
  readonly assets: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** The channel's previous release; undefined: this is its first. */
  readonly previous: string | undefined;
  /** By build id of the matrix, of those that are not carried over and were there before. */
  readonly changes: ReadonlyMap<string, readonly PackageChange[]>;
  /** How the commands name the CA: `keys/ca.pem`. */
  readonly caShown: string;
  /** The commands by which a download is checked, one a line. */
  readonly verify: readonly string[];
}

const SHOWN_CHANGES = 200;

/** The text of a release, in Markdown: what to flash, how to check it, what changed. */
export function releaseNotes(request: NotesRequest): string {
  const { document, previous } = request;
  const tag = document.tag;
  return [
    ...(document.development
      ? [
          "> Signed with **development keys**, made on one machine to try things out. Do not flash nodes with it that should stay.",
          "",
        ]
      : []),
    `Made from commit ${document.commit} for the channel **${document.channel}**.`,
    "",
    ...imageTable(request),
    "",
    ...waysTo(document.builds),
    "## Check a download",
    "",
    `In the folder with the image, \`${SUMS}\` and \`${SUMS_SIGNATURE}\`; \`${request.caShown}\` is not in the release: take it from your clone of the project:`,
    "",
    "```sh",
    ...request.verify,
    "```",
    "",
    `All of them say OK, or do not flash it. \`./pi verify ${tag}\` checks everything at once, the update manifest as well.`,
    "",
    ...(previous === undefined
      ? ["This is the first release of its channel."]
      : [`## Changes since ${previous}`, ""]),
    ...document.builds.flatMap((build) => changesOf(build, request)),
    "",
  ].join("\n");
}

function imageTable({ document, assets }: NotesRequest): string[] {
  const byName = new Map(assets.map((asset) => [asset.name, asset]));
  const rows = document.builds.map((build) => {
    const image = byName.get(build.image);
    const bundle = byName.get(build.bundle);
    const cells = [
      `\`${build.image}\``,
      build.version === document.tag.slice(1) ? "new" : `carried over from v${build.version}`,
      prettyBytes(image?.bytes ?? 0, { binary: true }),
      prettyBytes(bundle?.bytes ?? 0, { binary: true }),
      `${build.boot.machine}: ${build.boot.checks} checks, login after ${Math.round(build.boot.loginSeconds)} s`,
      `\`${image?.sha256 ?? ""}\``,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| image to flash | | size | update bundle | booted on | SHA-256 of the image |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ];
}

function waysTo(builds: readonly ReleasedBuild[]): string[] {
  const ways = builds.flatMap(({ id, waypoints = [] }) => describeWaypoints(id, waypoints) ?? []);
  return ways.length === 0 ? [] : [...ways.map((way) => `- ${way}`), ""];
}

function changesOf(build: ReleasedBuild, { document, changes, previous }: NotesRequest): string[] {
  const heading = `### ${build.profile} (${build.board})`;
  if (build.version !== document.tag.slice(1)) {
    return [heading, "", `Nothing: carried over from v${build.version}, its nodes do not update.`, ""];
  }
  const found = changes.get(build.id);
  if (found === undefined) return previous === undefined ? [] : [heading, "", "New in this release.", ""];
  if (found.length === 0) return [heading, "", "The same packages; files or settings differ.", ""];
  const more = found.length > SHOWN_CHANGES ? [`... and ${found.length - SHOWN_CHANGES} more`] : [];
  return [heading, "", "```diff", ...found.slice(0, SHOWN_CHANGES).map(describeChange), ...more, "```", ""];
}
