import { realWorld, type World } from "../../lib/external/world.ts";
import { usingCache } from "../../lib/image/cache-use.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import { toolsTreeAt } from "../../lib/image/tools/enter.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import { silentReporter, silentStep } from "../../lib/progress/silent.ts";

/** Folder with finished layers; what is missing there is made, which takes minutes. */
export const cacheDir = process.env.PI_TEST_CACHE;

export const world: World = realWorld(new AbortController().signal);

export { silentReporter as quietReporter, silentStep as quietStep };

/** The tools: a tree that is there already (PI_TEST_TOOLS), or the cache's. Undefined where neither is named. */
export async function testTools(): Promise<ToolsTree | undefined> {
  const tree = process.env.PI_TEST_TOOLS;
  if (tree !== undefined) return toolsTreeAt(tree, "");
  return cacheDir === undefined ? undefined : ensureTools(world, silentReporter, cacheDir);
}

/** Uses the cache while `work` runs: a build beside would take what lies in it for what a killed run left. */
export function holdingCache<T>(work: () => Promise<T>): Promise<T> {
  if (cacheDir === undefined) throw new Error("PI_TEST_CACHE names no cache");
  return usingCache(cacheDir, world, silentReporter, work);
}
