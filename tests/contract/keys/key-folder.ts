import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type KeyRequest, makeKeys } from "../../../lib/keys/make.ts";

export const NOW = new Date("2026-11-20T10:15:00Z");

/** A folder that goes away with the test. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "keys-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A new set of keys in a folder that goes away with the test. */
export async function newKeys(changes: Partial<KeyRequest> = {}): Promise<string> {
  const folder = join(await emptyFolder(), "home");
  await makeKeys({ folder, cluster: "home", now: NOW, development: false, roots: 2, ...changes });
  return folder;
}

export async function writeKey(path: string, content: string, mode = 0o600): Promise<void> {
  await writeFile(path, content);
  await chmod(path, mode);
}
