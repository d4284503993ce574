import type { World } from "../../lib/external/world.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { installHostPackages } from "../runner/host-packages.ts";

/** The tools tree, made here: what other jobs left in a cache must not come near a key. */
export async function toolsOn(cacheDir: string, world: World, reporter: Reporter): Promise<ToolsTree> {
  await installHostPackages(world, reporter);
  return ensureTools(world, reporter, cacheDir);
}
