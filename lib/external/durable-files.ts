import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, symlink } from "node:fs/promises";

/** Brings a folder's own entries (names made, renamed, removed in it) down to the disk. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads a file piece by piece; the pieces wait for `onData`. */
export async function readPieces(path: string, onData: (chunk: Buffer) => Promise<void>): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    await onData(chunk as Buffer);
}

/** Points a symbolic link at `target`; a reader sees the old one or the new one, never none. */
export async function linkAtomically(target: string, path: string): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString("hex")}`;
  await symlink(target, temporary);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
