import { stat } from "node:fs/promises";
import { asset, assetsRoot } from "../external/assets.ts";
import type { World } from "../external/world.ts";

/**
 * A moment that is past for sure, in milliseconds since 1970: the newest commit of this project or, where it
 * lies here without git, when its files were written.
 */
export async function pastForSure(world: World): Promise<number> {
  const log = await world.processes
    .run({
      // Root asks about a folder that is somebody else's.
      argv: ["git", "-c", `safe.directory=${assetsRoot}`, "log", "-1", "--format=%ct"],
      cwd: assetsRoot,
      timeoutMs: 5_000,
    })
    .catch(() => undefined);
  const seconds = Number(log?.stdout.trim());
  if (log !== undefined && seconds > 0) return seconds * 1000;
  return (await stat(asset("package.json"))).mtimeMs;
}
