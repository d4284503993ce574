import { z } from "zod";
import { openLayerStore } from "../../lib/external/layer-store.ts";
import type { World } from "../../lib/external/world.ts";

/** The input of actions that make layers. */
export const cacheInput = z
  .enum(["off", "read", "read-write"])
  .default("off")
  .describe(
    "GitHub's cache: `read` takes finished layers from it, `read-write` keeps new ones there as well. `off` for what is published with a key.",
  );

/** The world with GitHub's cache in it, where it is wanted. */
export async function withLayers(world: World, mode: z.output<typeof cacheInput>): Promise<World> {
  return mode === "off" ? world : { ...world, layers: await openLayerStore(mode) };
}
