import { realWorld, type World } from "../../lib/external/world.ts";
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
