import type { ImageDiff } from "../lib/diff/schema.ts";
import { headline, sectionsOf } from "../lib/diff/sections.ts";
import { plainTable } from "./table.ts";

/** A comparison for a terminal: one line, then a table for each kind of thing, of at most `most` rows. */
export async function renderDiff(diff: ImageDiff, most: number): Promise<string> {
  const sections = await Promise.all(
    sectionsOf(diff, most).map(async ({ title, head, rows, more }) => {
      const rest = more === 0 ? "" : `... and ${more} more; --all shows them\n`;
      return `\n${title}\n${await plainTable(head, rows)}${rest}`;
    }),
  );
  return `${headline(diff)}\n${sections.join("")}`;
}
