import { escapeCell, markdownTable } from "../progress/markdown.ts";
import type { ImageDiff } from "./schema.ts";
import { headline, sectionsOf } from "./sections.ts";

const MOST_ROWS = 50;

/** A comparison for the summary of a job or the text of a release. At most `most` rows a table, packages all. */
export function diffMarkdown(diff: ImageDiff, most: number = MOST_ROWS): string {
  return `${escapeCell(headline(diff))}\n${diffTables(diff, most)}`;
}

/** The tables alone. */
export function diffTables(diff: Omit<ImageDiff, "images" | "equal">, most: number = MOST_ROWS): string {
  const sections = sectionsOf(diff, most).map(({ title, head, rows, more }) => {
    const rest = more === 0 ? "" : `\nand ${more} more\n`;
    return `\n#### ${title}\n\n${markdownTable(head, rows)}${rest}`;
  });
  return sections.join("");
}
