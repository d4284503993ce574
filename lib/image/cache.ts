import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exists, removeWhole, writeAtomically } from "../external/files.ts";
import { acquireLock } from "../external/lock.ts";
import type { World } from "../external/world.ts";
import type { Reporter } from "../progress/reporter.ts";
import { sayingWhatRanOut } from "./starvation.ts";

/** The marker that is written last: a folder without it is a leftover, never a result. */
const DONE = "done.json";

/** How a person takes another folder for the cache. */
export const OTHER_CACHE = "PI_CACHE=/another/folder ./pi build";

export interface CacheEntry {
  readonly folder: string;
  /** Whether it was there already. */
  readonly reused: boolean;
}

export interface CacheRequest {
  readonly cacheDir: string;
  /** The room: tools, base, builds ... */
  readonly room: string;
  /** SHA-256 (hex) of everything that shapes the content. */
  readonly key: string;
  /** What is kept in done.json: for people and for later readers. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Fills the empty folder it is given; what it throws leaves nothing behind. */
  readonly make: (folder: string) => Promise<void>;
}

export function cacheFolder(cacheDir: string, room: string, key: string): string {
  return join(cacheDir, room, key);
}

/** The content of done.json, or undefined where the entry is not there or not whole. */
export async function readDone(cacheDir: string, room: string, key: string): Promise<unknown> {
  const file = join(cacheFolder(cacheDir, room, key), DONE);
  return (await exists(file)) ? JSON.parse(await readFile(file, "utf8")) : undefined;
}

/**
 * Returns the entry, making it first where it is missing. One lock per key: a second run waits and then
 * finds the result. What a killed run left of this entry is removed before, and only that.
 */
export async function ensureCached(
  request: CacheRequest,
  world: World,
  reporter: Reporter,
): Promise<CacheEntry> {
  const folder = cacheFolder(request.cacheDir, request.room, request.key);
  if (await exists(join(folder, DONE))) return { folder, reused: true };
  const lock = await acquireLock(world.processes, {
    file: `${folder}.lock`,
    mode: "exclusive",
    signal: world.signal,
    onWait: () =>
      reporter.info(`waiting for another run that is making ${request.room}/${request.key.slice(0, 12)}`),
  });
  try {
    if (await exists(join(folder, DONE))) return { folder, reused: true };
    await removeLeftovers(folder);
    if ((await world.layers?.restore(folder, `${request.room}-${request.key}`)) === true) {
      if (await exists(join(folder, DONE))) return { folder, reused: true };
      await removeLeftovers(folder);
    }
    const making = `${folder}.making-${randomBytes(4).toString("hex")}`;
    await mkdir(making, { recursive: true });
    try {
      // Looked at here, before the room that is missing is given free again.
      await sayingWhatRanOut(request.cacheDir, OTHER_CACHE, async () => {
        await request.make(making);
        const about = {
          key: request.key,
          madeAt: new Date(world.clock.now()).toISOString(),
          ...request.about,
        };
        await writeAtomically(join(making, DONE), `${JSON.stringify(about, null, 2)}\n`);
        await rename(making, folder);
      });
    } catch (error) {
      await removeWhole(making);
      throw error;
    }
    await world.layers?.keep(folder, `${request.room}-${request.key}`);
    return { folder, reused: false };
  } finally {
    await lock?.release();
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  await removeWhole(folder);
  const name = folder.slice(dirname(folder).length + 1);
  for (const entry of await readdir(dirname(folder))) {
    if (entry.startsWith(`${name}.making-`)) {
      await removeWhole(join(dirname(folder), entry));
    }
  }
}
