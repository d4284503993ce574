import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { assetsRoot } from "../../lib/external/assets.ts";
import { halfMade, leftovers } from "./leftovers.ts";
import { buildAgent, endAll, printed, type RunningPi, runs, startPi, untilGone } from "./running-pi.ts";
import { type Digests, digestsIn, type ScratchCache, scratchCache } from "./scratch-cache.ts";
import { cacheDir } from "./surroundings.ts";
import { undisturbedBuild } from "./undisturbed-build.ts";

const WAITING = "waiting for another run that is making";

describe.runIf(cacheDir !== undefined)("./pi build, not alone", () => {
  let at: ScratchCache;
  let undisturbed: Digests;
  const started: RunningPi[] = [];
  const noted = async (pi: Promise<RunningPi>): Promise<RunningPi> => {
    started.push(await pi);
    return pi;
  };
  const succeeds = async (pi: RunningPi, out: string): Promise<void> => {
    expect(await pi.ended, pi.output().slice(-2000)).toBe(0);
    expect(await digestsIn(out)).toEqual(undisturbed);
  };

  beforeAll(async () => {
    ({ at, undisturbed } = await undisturbedBuild());
  });
  beforeEach(() => at.restore());
  afterEach(async () => {
    const ended = started.splice(0);
    const alive = await Promise.all(ended.map(async (pi) => [...(await pi.group.members()).values()]));
    const left = [...alive.flat(), ...(await leftovers(at.cache))];
    await endAll();
    expect(left).toEqual([]);
  });
  afterAll(() => at.remove());

  test("two on one cache: one makes, the other waits, says for what, and takes it", async () => {
    await at.without("base");
    const outs = [join(at.out, "one"), join(at.out, "two")] as const;
    for (const out of outs) await mkdir(out);
    const [one, two] = await Promise.all(outs.map((out) => noted(buildAgent({ ...at, out }))));
    if (one === undefined || two === undefined) throw new Error("two runs were started");
    await Promise.all([succeeds(one, outs[0]), succeeds(two, outs[1])]);
    const waited = [one, two].map((pi) => pi.output().includes(WAITING));
    expect(waited.toSorted()).toEqual([false, true]);
    const made = [one, two].map((pi) => pi.output().includes("playbook for agent done"));
    expect(made).toEqual(waited.map((did) => !did));
  });

  test("two on one cache: when the one that makes is killed, the other goes on in its place", async () => {
    await at.without("builds");
    const one = await noted(buildAgent(at));
    await one.reached(printed("TASK [ssh :"));
    const two = await noted(buildAgent(at));
    await two.reached(printed(WAITING));
    one.signal("SIGKILL", "process");
    await succeeds(two, at.out);
    expect(two.output()).toContain("playbook for agent done");
  });

  test("one beside what a killed one left: the next run removes that, and not what the living makes", async () => {
    await at.without("builds");
    const text = await readFile(join(assetsRoot, "cluster.yaml"), "utf8");
    const changed = text.replace("cluster: home\n", "cluster: other\n");
    expect(changed).not.toBe(text);
    const file = join(at.temporary, "cluster.yaml");
    await writeFile(file, changed);
    const args = ["build", "agent", "--verbose", "--file", file, "--out", join(at.out, "other")];
    const inTheMiddle = printed("TASK [ssh :");
    const living = await noted(startPi(args, at));
    await living.reached(inTheMiddle);
    // Its programs go on, it does not: it is in the middle until it is woken.
    living.signal("SIGSTOP", "process");
    const [made = "", ...more] = await halfMade(at.cache);
    expect(more).toEqual([]);
    const dead = await noted(buildAgent(at));
    await dead.reached(inTheMiddle);
    dead.signal("SIGKILL", "process");
    await untilGone(dead);
    expect(await halfMade(at.cache)).toHaveLength(2);
    await succeeds(await noted(buildAgent(at)), at.out);
    expect(await halfMade(at.cache)).toEqual([made]);
    living.signal("SIGCONT", "process");
    expect(await living.ended, living.output().slice(-2000)).toBe(0);
  });

  test("two on two caches", async () => {
    const other = await scratchCache(cacheDir ?? "");
    try {
      await at.without("base");
      await other.without("base");
      const [one, two] = [await noted(buildAgent(at)), await noted(buildAgent(other))];
      await Promise.all([succeeds(one, at.out), succeeds(two, other.out)]);
      for (const pi of [one, two]) expect(pi.output()).not.toContain(WAITING);
      expect(await leftovers(other.cache)).toEqual([]);
    } finally {
      await other.remove();
    }
  });

  test("beside a boot from the same cache", async () => {
    const boot = await noted(startPi(["boot", "agent", "--machine", "virt"], at));
    await boot.reached(runs("qemu-system-aarch64"));
    await at.without("builds");
    const build = await noted(buildAgent(at));
    await succeeds(build, at.out);
    expect(await boot.ended, boot.output().slice(-3000)).toBe(0);
  });

  test("beside ./pi clean --yes, which says that the cache is in use and leaves it alone", async () => {
    await at.without("builds");
    const build = await noted(buildAgent(at));
    await build.reached(printed("TASK [ssh :"));
    const clean = await noted(startPi(["clean", "--yes"], at));
    expect(await clean.ended, clean.output()).toBe(1);
    expect(clean.output()).toContain(`the cache ${at.cache} is in use`);
    expect(clean.output()).toContain("fix: wait until that has ended, or stop it");
    await succeeds(build, at.out);
    const again = await noted(startPi(["clean", "--yes"], at));
    expect(await again.ended, again.output()).toBe(0);
    expect(await readdir(at.cache)).toEqual([]);
  });
});
