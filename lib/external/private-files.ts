import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type BoundedRead, readBounded } from "./bounded-file.ts";
import { syncFolder } from "./durable-files.ts";

export type PrivateRead =
  | BoundedRead
  /** `mode` as chmod has it; `path` is the file or its folder. */
  | { readonly kind: "exposed"; readonly path: string; readonly mode: number };

const FOR_OTHERS = 0o077;

/** The mode of a file or folder where group or others have any right on it. */
async function exposedMode(path: string): Promise<number | undefined> {
  const mode = (await stat(path)).mode & 0o777;
  return (mode & FOR_OTHERS) === 0 ? undefined : mode;
}

/** As readBounded, and refuses what anybody but the owner may read, or put something else in its place. */
export async function readPrivate(path: string, maxBytes: number): Promise<PrivateRead> {
  const read = await readBounded(path, maxBytes);
  if (read.kind !== "content") return read;
  for (const one of [dirname(path), path]) {
    const mode = await exposedMode(one);
    if (mode !== undefined) return { kind: "exposed", path: one, mode };
  }
  return read;
}

/** Names in a folder, sorted; undefined where there is none, or where it may not be listed. */
export async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(code)) return undefined;
    throw error;
  }
}

/** A new file of 0600, or of `mode`. Throws EEXIST where there is one. */
async function writeNew(path: string, content: string, mode = 0o600): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a private file (0600) whole or not at all, over the one that is there. */
export async function writePrivate(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp-${randomBytes(4).toString("hex")}`;
  try {
    await writeNew(temporary, content);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Gives a file a second name, so that the first one can be replaced. One that has the name already is let be, and
 * where there is no file there is nothing to keep.
 */
export async function keepAs(path: string, name: string): Promise<void> {
  await link(path, join(dirname(path), name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST" && error.code !== "ENOENT") throw error;
  });
}

/** Puts a file in another's place in the same folder, for good when this returns. */
export async function replaceWith(path: string, by: string): Promise<void> {
  await rename(by, path);
  await syncFolder(dirname(path));
}

/**
 * Makes a folder (0700) with all its files (0600) at once: it is filled beside its place and renamed. Returns false,
 * and changes nothing, where something is in that place. What runs killed before `staleBefore` (ms since 1970) left
 * beside it is removed.
 */
export async function createPrivateFolder(
  folder: string,
  files: ReadonlyMap<string, string>,
  staleBefore: number,
): Promise<boolean> {
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  const prefix = `.${basename(folder)}.making-`;
  await removeStale(dirname(folder), prefix, staleBefore);
  const making = join(dirname(folder), `${prefix}${randomBytes(4).toString("hex")}`);
  try {
    await mkdir(making, { mode: 0o700 });
    for (const [name, content] of files) await writeNew(join(making, name), content);
    await syncFolder(making);
    // Takes the place of nothing and of an empty folder, never of a full one or of a file.
    await rename(making, folder);
    await syncFolder(dirname(folder));
    return true;
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(code)) return false;
    throw error;
  }
}

async function removeStale(parent: string, prefix: string, before: number): Promise<void> {
  for (const name of (await namesIn(parent)) ?? []) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    const age = await stat(path).catch(() => undefined);
    if (age !== undefined && age.mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}
