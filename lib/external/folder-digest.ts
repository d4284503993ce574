import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { type FileEntry, listTree } from "./files.ts";

/** What tools leave behind while they run: it shapes nothing, and would make every second run look changed. */
const LEFTOVERS = /(^|\/)(__pycache__|\.git|\.DS_Store)(\/|$)|\.(pyc|retry|swp)$/;

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** Names of the folders (and links to folders) right below `path`, sorted; empty where there is no such folder. */
export async function listFolders(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => ((await isFolder(join(path, name))) ? [name] : [])),
  );
  return found.flat().sort();
}

async function digestEntry(root: string, entry: FileEntry): Promise<string> {
  const path = join(root, entry.path);
  if (entry.kind === "link") return `link ${JSON.stringify([entry.path, await readlink(path)])}`;
  const [stats, content] = await Promise.all([lstat(path), readFile(path)]);
  const mode = (stats.mode & 0o100) === 0 ? "file" : "program";
  return `${mode} ${JSON.stringify(entry.path)} ${createHash("sha256").update(content).digest("hex")}`;
}

/**
 * SHA-256 (hex) of a folder as git sees it: path, executable bit and content of every file, links by their
 * target, in the order of paths; empty folders, owners and times do not count. An absent folder has the
 * digest of an empty one. `only`: the files that count, by their paths; undefined: all.
 */
export async function digestFolder(root: string, only?: readonly string[]): Promise<string> {
  const entries = (await isFolder(root)) ? await listTree(root) : [];
  const counted = entries.filter(
    ({ path, kind }) =>
      (kind === "file" || kind === "link") && !LEFTOVERS.test(path) && (only?.includes(path) ?? true),
  );
  const lines = await Promise.all(counted.map((entry) => digestEntry(root, entry)));
  return createHash("sha256")
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("hex");
}
