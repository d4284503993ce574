import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../external/files.ts";
import { NOTES_FILE } from "./check-assets.ts";
import { ASSET_NAME } from "./document.ts";
import { ReleaseError } from "./failure.ts";
import type { StoredAsset, StoredRelease } from "./store.ts";
import { parseVersion } from "./version.ts";

/** Below the store's folder: one folder for each published release, called by its tag. */
export const ROOM = "releases";
const DRAFT = ".draft-";
export const LATEST = "latest";

/** The tag that `latest` points at; undefined where there is none. */
export async function latestOf(folder: string): Promise<string | undefined> {
  const target = await readlink(join(folder, LATEST)).catch(() => undefined);
  return target?.startsWith(`${ROOM}/`) === true ? target.slice(ROOM.length + 1) : undefined;
}

/** Throws ReleaseError VERSION: a tag that is none could lead out of the store. */
export function checkedTag(tag: string): string {
  return parseVersion(tag).tag;
}

/** Folders of a draft and of whatever a release is. Throw ReleaseError VERSION. */
export const draftName = (tag: string): string => `${DRAFT}${checkedTag(tag)}`;
export const folderOf = ({ tag, draft }: StoredRelease): string => (draft ? draftName(tag) : checkedTag(tag));

/** Throws ReleaseError NAME: a file that could not be a release's, or leads elsewhere. */
export function checkedName(name: string): string {
  if (ASSET_NAME.test(name) && name !== NOTES_FILE) return name;
  throw new ReleaseError("NAME", `${JSON.stringify(name)} is no name of a release's file`, {
    fix: "use letters, digits, '.', '_' and '-', beginning and ending with a letter or digit",
  });
}

/** Any entry of a folder, whatever it is called; nothing that leads elsewhere. */
export function safeEntry(name: string): string {
  if (name !== "" && name !== "." && name !== ".." && !name.includes("/")) return name;
  throw new ReleaseError("NAME", `${JSON.stringify(name)} is no file of a draft`);
}

/** Drafts and published releases of a room; other folders in it are passed over. */
export async function listReleases(room: string): Promise<StoredRelease[]> {
  if (!(await exists(room))) return [];
  const found: StoredRelease[] = [];
  for (const entry of await readdir(room, { withFileTypes: true })) {
    if (entry.isDirectory() && isTag(entry.name.replace(DRAFT, ""))) {
      found.push(await readRelease(room, entry.name));
    }
  }
  return found;
}

function isTag(name: string): boolean {
  try {
    return parseVersion(name).tag === name;
  } catch {
    return false;
  }
}

/** One of them as it lies there, without digests. */
export async function readRelease(room: string, name: string): Promise<StoredRelease> {
  const draft = name.startsWith(DRAFT);
  const names = (await readdir(join(room, name))).filter((file) => file !== NOTES_FILE);
  // Names that begin with a dot are never a release's: what is half written is called so.
  const visible = names.filter((file) => !file.startsWith(".")).sort();
  const assets: StoredAsset[] = [];
  for (const file of visible) {
    const stats = await lstat(join(room, name, file));
    const state = stats.isFile() ? "uploaded" : "starter";
    assets.push({ id: file, name: file, bytes: stats.size, sha256: undefined, state });
  }
  return { id: name, tag: draft ? name.slice(DRAFT.length) : name, draft, assets };
}
