import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeWhole } from "../external/files.ts";
import { acquireLock } from "../external/lock.ts";
import type { World } from "../external/world.ts";

/** An entry in the making; the lock of its key says whether somebody still makes it. */
const MAKING = /^([0-9a-f]{64})\.making-[0-9a-f]{8}$/;
/** Other names that only a run in the middle gives; they have no lock of their own. */
const UNFINISHED =
  /\.removing-[0-9a-f]{8}$|\.(tmp|part)-\d+-[0-9a-f]{8}$|^(boot|demonstration|diff|fetch|node|pack|session|sums)-[A-Za-z0-9]{6}$/;

/**
 * Removes what runs that were killed have left in the cache, and nothing else. `alone`: nobody else uses the
 * cache, so what has no lock of its own belongs to nobody.
 */
export async function removeHalfMade(cacheDir: string, world: World, alone: boolean): Promise<void> {
  for (const folder of await foldersWithResults(cacheDir)) {
    for (const name of await namesIn(folder)) {
      const key = MAKING.exec(name)?.[1];
      if (key !== undefined) await removeUnlessMade(join(folder, name), join(folder, `${key}.lock`), world);
      else if (alone && UNFINISHED.test(name)) await removeWhole(join(folder, name));
    }
  }
}

async function removeUnlessMade(making: string, file: string, world: World): Promise<void> {
  const { processes, signal } = world;
  const lock = await acquireLock(processes, { file, mode: "exclusive", waitMs: 0, signal });
  if (lock === undefined) return;
  try {
    await removeWhole(making);
  } finally {
    await lock.release();
  }
}

/** The cache, its rooms, and the one kind of entry that is added to after it was made: package lists. */
async function foldersWithResults(cacheDir: string): Promise<string[]> {
  const lists = await foldersIn(join(cacheDir, "archive"));
  return [
    cacheDir,
    ...(await foldersIn(cacheDir)),
    ...lists.flatMap((folder) => [folder, join(folder, "selections")]),
  ];
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
