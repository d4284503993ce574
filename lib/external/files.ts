import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  access,
  constants,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
} from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

export interface FileEntry {
  /** Path relative to the folder listed, with forward slashes. */
  readonly path: string;
  readonly kind: "file" | "link" | "folder" | "other";
}

/** Undefined where the file does not exist; every other error is thrown. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Writes beside the target, syncs, renames: a reader sees the old content or the new, never a part. */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    const handle = await open(temporary, "w", mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Removes a file or a folder with all it holds; what is not there is as good as removed. Tries again for some
 * seconds where a process that was just killed still puts something in.
 */
export async function removeWhole(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 30 });
}

/** SHA-256 of a file, lower-case hex, read as a stream. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}

export function sha256OfText(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** All entries below a folder, sorted by path; folders that are links are not entered. */
export async function listTree(root: string): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    const path = relative(root, join(entry.parentPath, entry.name)).split(sep).join("/");
    const kind = entry.isFile()
      ? "file"
      : entry.isSymbolicLink()
        ? "link"
        : entry.isDirectory()
          ? "folder"
          : "other";
    entries.push({ path, kind });
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** What the file system that holds a path can still take. */
export interface Room {
  /** Bytes an unprivileged writer may still use. */
  readonly freeBytes: number;
  /** Files that can still be made; undefined where the file system keeps no count. */
  readonly freeFiles: number | undefined;
  /** Why nothing can be written there at all, as an errno name (EROFS, EACCES); undefined: it can. */
  readonly refuses: string | undefined;
}

/** The room at `path`, or at the nearest folder above it that exists. */
export async function roomAt(path: string): Promise<Room> {
  let at = path;
  while (!(await exists(at)) && dirname(at) !== at) at = dirname(at);
  const stats = await statfs(at);
  const refuses = await access(at, constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? "EACCES",
  );
  return {
    freeBytes: stats.bavail * stats.bsize,
    freeFiles: stats.files === 0 ? undefined : stats.ffree,
    // A file in the place of a folder may well be writable.
    refuses: (await stat(at)).isDirectory() ? refuses : "ENOTDIR",
  };
}
