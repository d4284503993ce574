import type { describeManifest } from "../../lib/manifest/describe.ts";
import { escapeCell, markdownTable } from "../../lib/progress/markdown.ts";

/** What was planned, and what nodes find now: images of each channel, what is blocked, what expires when. */
export function manifestSummary(
  change: string,
  place: string,
  plan: readonly string[],
  { images, blocked, files }: ReturnType<typeof describeManifest>,
): string {
  const lines = plan.map((line) => `- ${escapeCell(line)}\n`).join("");
  return [
    `### Update manifest: ${change}\n\n${escapeCell(place)}\n\n${lines}\n`,
    markdownTable(["channel", "release", "image", "version", "bundle, bytes"], images),
    blocked.length === 0
      ? ""
      : `\n${markdownTable(["channel", "blocked", "image", "reason", "since"], blocked)}`,
    `\n${markdownTable(["file", "version", "expires", ""], files)}`,
  ].join("");
}
