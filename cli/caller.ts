import { chown, lchown, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Who called sudo: results belong to them, not to root. Undefined where nobody did. */
export function caller(): { readonly uid: number; readonly gid: number } | undefined {
  const [uid, gid] = [Number(process.env.SUDO_UID), Number(process.env.SUDO_GID)];
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

/** Gives a folder and all it holds to whoever called sudo. */
export async function giveFolderBack(folder: string): Promise<void> {
  const to = caller();
  if (to === undefined) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await lchown(join(entry.parentPath, entry.name), to.uid, to.gid);
  }
  await chown(folder, to.uid, to.gid);
}
