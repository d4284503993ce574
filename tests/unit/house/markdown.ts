import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..", "..", "..");

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** Folders that hold other people's pages, results, or recorded texts. */
const foreign = ["node_modules", "out", ".pi", ".git", "fixtures", "dist"];

/** Every Markdown file of the project, sorted by path. */
export async function readPages(): Promise<Page[]> {
  const found = globSync("**/*.md", { cwd: root, exclude: (name) => foreign.includes(name) });
  const hidden = globSync(".github/**/*.md", { cwd: root });
  const paths = [...new Set([...found, ...hidden])].sort();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(root, path), "utf8") })));
}

const FENCE = /^[ >]*```[^\n]*\n([\s\S]*?)^[ >]*```/gm;

/** The page without code: what is left is prose, tables and headings. */
export function withoutCode(text: string): string {
  return text.replace(FENCE, "").replace(/`[^`\n]*`/g, "");
}

/** Every piece of code: lines of fenced blocks, and spans in backticks. */
export function codeIn(text: string): string[] {
  const blocks = [...text.matchAll(FENCE)].flatMap((match) => (match[1] ?? "").split("\n"));
  const spans = [...text.replace(FENCE, "").matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
  return [...blocks, ...spans].map((piece) => piece.trim()).filter((piece) => piece !== "");
}

/** Targets of links and images, in order. */
export function linksIn(text: string): string[] {
  const prose = text.replace(FENCE, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
}

/** What a link to a heading has behind its `#`, as GitHub makes it. */
export function anchorsIn(text: string): string[] {
  const headings = [...text.replace(FENCE, "").matchAll(/^#{1,6} +(.+?) *$/gm)].map(
    (match) => match[1] ?? "",
  );
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
