import { expect } from "vitest";
import { buildAgent } from "./running-pi.ts";
import { type Digests, digestsIn, type ScratchCache, scratchCache } from "./scratch-cache.ts";
import { cacheDir } from "./surroundings.ts";

/** A cache of its own, and what a build of the agent from it makes that nothing disturbs. */
export async function undisturbedBuild(): Promise<{ at: ScratchCache; undisturbed: Digests }> {
  const at = await scratchCache(cacheDir ?? "");
  const pi = await buildAgent(at);
  expect(await pi.ended, pi.output()).toBe(0);
  return { at, undisturbed: await digestsIn(at.out) };
}
