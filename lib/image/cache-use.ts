import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { removeWhole } from "../external/files.ts";
import { acquireLock, type Lock } from "../external/lock.ts";
import type { World } from "../external/world.ts";
import type { Reporter } from "../progress/reporter.ts";
import { removeHalfMade } from "./dead-runs.ts";
import { ImageError } from "./failure.ts";

const REMOVING = ".removing-";

/**
 * Uses the cache while `work` runs: until it ends nobody can free it. Before, what runs that were killed have
 * left there is removed.
 */
export async function usingCache<T>(
  cacheDir: string,
  world: World,
  reporter: Pick<Reporter, "info">,
  work: () => Promise<T>,
): Promise<T> {
  await tidyCache(cacheDir, world);
  const use = await lockCache(cacheDir, "shared", world, undefined, () =>
    reporter.info(`waiting for another run that is tidying up ${cacheDir}`),
  );
  try {
    return await work();
  } finally {
    await use?.release();
  }
}

/** Removes what runs that were killed have left in the cache, which is made where there is none. */
export async function tidyCache(cacheDir: string, world: World): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  const alone = await lockCache(cacheDir, "exclusive", world, 0);
  try {
    await removeHalfMade(cacheDir, world, alone !== undefined);
  } finally {
    await alone?.release();
  }
}

/**
 * Removes everything in the cache, telling `before` of each part. What is interrupted or killed in the middle
 * leaves nothing that looks whole. Throws ImageError CACHE where a run uses the cache.
 */
export async function freeCache(
  cacheDir: string,
  world: World,
  before: (path: string) => Promise<void>,
): Promise<void> {
  const alone = await lockCache(cacheDir, "exclusive", world, 0);
  if (alone === undefined) {
    throw new ImageError("CACHE", `the cache ${cacheDir} is in use: something is being built or booted`, {
      fix: "wait until that has ended, or stop it, then run the same command again",
    });
  }
  try {
    for (const name of (await readdir(cacheDir)).sort()) {
      world.signal.throwIfAborted();
      const path = join(cacheDir, name);
      await before(path);
      // An entry that lost a file but not its marker would be taken for whole.
      const removing = `${path}${REMOVING}${randomBytes(4).toString("hex")}`;
      await rename(path, removing);
      await removeWhole(removing);
    }
  } finally {
    await alone.release();
  }
}

function lockCache(
  cacheDir: string,
  mode: "shared" | "exclusive",
  world: World,
  waitMs: number | undefined,
  onWait?: () => void,
): Promise<Lock | undefined> {
  return acquireLock(world.processes, {
    // The folder itself: a file in it would go with the cache, and with the file what the lock says.
    file: cacheDir,
    mode,
    signal: world.signal,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(onWait === undefined ? {} : { onWait }),
  });
}
