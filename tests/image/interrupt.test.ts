import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { leftovers } from "./leftovers.ts";
import { buildAgent, endAll, printed, untilGone } from "./running-pi.ts";
import { type Digests, digestsIn, type ScratchCache } from "./scratch-cache.ts";
import { cacheDir } from "./surroundings.ts";
import { tracesOf } from "./traces.ts";
import { undisturbedBuild } from "./undisturbed-build.ts";

describe.runIf(cacheDir !== undefined)("./pi build, stopped", () => {
  let at: ScratchCache;
  let undisturbed: Digests;
  beforeAll(async () => {
    ({ at, undisturbed } = await undisturbedBuild());
  });
  afterEach(endAll);
  afterAll(() => at.remove());

  test("by Ctrl-C while the base is made, leaves nothing", async () => {
    await at.without("base");
    const pi = await buildAgent(at);
    await pi.reached(printed("Unpacking"));
    pi.signal("SIGINT", "group");
    expect(await pi.ended, pi.output().slice(-1500)).toBe(130);
    expect(await tracesOf(pi, at)).toEqual([]);
    expect(pi.output()).toContain("stopped: nothing half made is left");
  });

  test("by SIGTERM in the playbook, leaves nothing", async () => {
    await at.restore();
    await at.without("builds");
    const pi = await buildAgent(at);
    await pi.reached(printed("TASK [ssh :"));
    pi.signal("SIGTERM", "process");
    expect(await pi.ended, pi.output().slice(-1500)).toBe(143);
    expect(await tracesOf(pi, at)).toEqual([]);
  });

  test("by kill -9 in the playbook, leaves files that the next run removes, which makes the same image", async () => {
    const killed = await buildAgent(at);
    await killed.reached(printed("TASK [ssh :"));
    killed.signal("SIGKILL", "process");
    await killed.ended;
    await untilGone(killed);
    const left = await leftovers(at.cache);
    expect(left.filter((thing) => thing.startsWith("half-made builds/"))).toHaveLength(1);
    expect(left.filter((thing) => !/^(half-made builds\/|binfmt entry)/.test(thing))).toEqual([]);
    const next = await buildAgent(at);
    expect(await next.ended, next.output().slice(-1500)).toBe(0);
    expect(await digestsIn(at.out)).toEqual(undisturbed);
    expect(await tracesOf(next, at)).toEqual([]);
  });
});
