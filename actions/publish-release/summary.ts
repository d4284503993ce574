import prettyBytes from "pretty-bytes";
import type { WorkflowRun } from "../../lib/external/github-api.ts";
import { markdownTable } from "../../lib/progress/markdown.ts";
import type { Attested } from "../../lib/release/attest.ts";
import type { ReleaseDocument } from "../../lib/release/document.ts";

export interface Told {
  /** `OWNER/REPO`. */
  readonly repository: string;
  readonly tag: string;
  readonly url: string;
  readonly published: boolean;
  readonly document: ReleaseDocument;
  readonly attested: Attested | undefined;
  /** The run that told the nodes, or waits for an approval to do so. */
  readonly manifest: Pick<WorkflowRun, "url" | "waits"> | undefined;
}

/** The release as a table: images with their state, size and digest; what was attested and who told the nodes. */
export function releaseSummary(told: Told): string {
  const { repository, tag, url, published, document, attested, manifest } = told;
  const rows = document.builds.map((build) => {
    const image = document.assets.find(({ name }) => name === build.image);
    return [
      build.image,
      build.version === document.tag.slice(1) ? "new" : `carried over from v${build.version}`,
      prettyBytes(image?.bytes ?? 0),
      image?.sha256 ?? "",
    ];
  });
  const state = published ? "published" : "was published before, nothing was uploaded";
  const notes = [
    `[${tag}](${url}): ${state}.`,
    ...(attested === undefined ? [] : [attestedNote(attested, repository)]),
    ...(manifest === undefined ? [] : [toldNote(manifest)]),
  ];
  const table = markdownTable(["image", "", "size", "sha256"], rows);
  return `### Release ${tag}\n\n${notes.join("\n")}\n\n${table}`;
}

function toldNote({ url, waits }: Pick<WorkflowRun, "url" | "waits">): string {
  return waits
    ? `Nodes are told as soon as [this run](${url}) is approved.`
    : `Nodes were told by [this run](${url}).`;
}

function attestedNote(attested: Attested, repository: string): string {
  return attested.kind === "attested"
    ? `Attested: \`gh attestation verify FILE --repo ${repository}\` (${attested.id}).`
    : `Not attested: ${attested.why}.`;
}
