import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { halfMade, leftovers } from "./leftovers.ts";
import { randomFrom } from "./random-numbers.ts";
import {
  buildAgent,
  endAll,
  type Moment,
  pidsOf,
  printed,
  type RunningPi,
  runs,
  untilGone,
} from "./running-pi.ts";
import { type Digests, digestsIn, type Room, type ScratchCache } from "./scratch-cache.ts";
import { cacheDir } from "./surroundings.ts";
import { undisturbedBuild } from "./undisturbed-build.ts";

const seed = Number(process.env.PI_TEST_SEED ?? randomInt(1_000_000));

interface Series {
  readonly step: string;
  readonly without: Room;
  /** Titles in durations.json, which say how long the moments are spread. */
  readonly titles: readonly string[];
  readonly kills: number;
}

/** A run loses only what it had not finished, so each series keeps the layers before its own. */
const series: readonly Series[] = [
  { step: "package lists", without: "archive", titles: ["package lists"], kills: 2 },
  { step: "core system", without: "core", titles: ["core system"], kills: 5 },
  { step: "base", without: "base", titles: ["base of agent"], kills: 5 },
  {
    step: "playbook and image",
    without: "builds",
    titles: ["playbook for agent", "image of agent"],
    kills: 8,
  },
];

/** Files of others, which no run may touch. */
const FOREIGN = ["notes.txt", "base/notes.part", "scratch/mine", "builds/old.img.zst"];

describe.runIf(cacheDir !== undefined)(`./pi build, killed (PI_TEST_SEED=${seed})`, () => {
  const random = randomFrom(seed);
  let at: ScratchCache;
  let undisturbed: Digests;
  beforeAll(async () => {
    ({ at, undisturbed } = await undisturbedBuild());
  });
  afterEach(endAll);
  afterAll(() => at.remove());

  /** What is still there when the kernel has had its time: files, and the entry, which the next user removes. */
  async function leftAfter(pi: RunningPi): Promise<string[]> {
    await untilGone(pi);
    const left = [...(await leftovers(at.cache)), ...(await halfMade(at.out))];
    return left.filter((thing) => !FOREIGN.some((path) => thing === `half-made ${path}`));
  }
  const onlyFiles = /^(half-made|binfmt entry)/;

  async function finish(pi: RunningPi): Promise<void> {
    expect(await pi.ended, pi.output().slice(-1500)).toBe(0);
    expect(await digestsIn(at.out)).toEqual(undisturbed);
    expect(await leftAfter(pi)).toEqual([]);
  }

  async function startAgain(without: Room): Promise<void> {
    await at.without(without);
    for (const path of FOREIGN) {
      await mkdir(join(at.cache, path, ".."), { recursive: true });
      await writeFile(join(at.cache, path), "mine");
    }
  }

  test.each(series)("$kills times in: $step", async ({ step, without, titles, kills }) => {
    await at.restore();
    await startAgain(without);
    const known = JSON.parse(await readFile(join(at.cache, "durations.json"), "utf8")) as Record<
      string,
      number
    >;
    const spreadMs = titles.reduce((sum, title) => sum + (known[title] ?? 20_000), 1_000);
    for (let kill = 1; kill <= kills; kill += 1) {
      const afterMs = Math.round(500 + random() * (spreadMs - 500));
      const pi = await buildAgent(at);
      const over = await Promise.race([pi.ended.then(() => true), sleep(afterMs).then(() => false)]);
      if (over) {
        // Faster than the last time: there was nothing left to be killed.
        await finish(pi);
        await startAgain(without);
        continue;
      }
      const making = await halfMade(at.cache);
      pi.signal("SIGKILL", "process");
      await pi.ended;
      const left = await leftAfter(pi);
      console.log(`${step}, after ${afterMs} ms: ${left.join(", ") || "nothing"}`);
      expect(left.filter((thing) => !onlyFiles.test(thing))).toEqual([]);
      // No more than this very run was making: the one before was cleaned up behind.
      const entries = left.filter((thing) => /\.making-/.test(thing));
      expect(entries.length, making.join()).toBeLessThanOrEqual(3);
      expect(new Set(entries.map((thing) => thing.replace(/\.making-.*/, ""))).size).toBe(entries.length);
    }
    await finish(await buildAgent(at));
    for (const path of FOREIGN) expect(await readFile(join(at.cache, path), "utf8"), path).toBe("mine");
  });

  test("while handing out, across file systems", async () => {
    await at.restore();
    const out = await mkdtemp("/dev/shm/results-");
    try {
      const pi = await buildAgent({ ...at, out });
      await pi.reached({ what: "a half-made result", come: async () => (await halfMade(out)).length > 0 });
      pi.signal("SIGKILL", "process");
      await pi.ended;
      expect(await halfMade(out)).toHaveLength(1);
      const next = await buildAgent({ ...at, out });
      expect(await next.ended, next.output()).toBe(0);
      expect(await halfMade(out)).toEqual([]);
      expect(await digestsIn(out)).toEqual(undisturbed);
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  });

  interface Child {
    readonly program: string;
    readonly without: Room;
    readonly moment: Moment;
    readonly says: string;
  }
  const children: readonly Child[] = [
    {
      program: "mmdebstrap",
      without: "core",
      moment: printed("I: extracting"),
      says: "the core system could not be made",
    },
    {
      program: "ansible-playbook",
      without: "builds",
      moment: printed("TASK [ssh :"),
      says: "the playbook failed for agent",
    },
    {
      program: "mke2fs",
      without: "builds",
      moment: runs("mke2fs", 100),
      says: "could not be assembled (mke2fs)",
    },
  ];
  test.each(children)(
    "its $program: it says so, leaves nothing, and goes on the next time",
    async (child) => {
      await at.restore();
      await at.without(child.without);
      const pi = await buildAgent(at);
      await pi.reached(child.moment);
      const ids = await pidsOf(pi, child.program);
      expect(ids).not.toEqual([]);
      for (const id of ids) process.kill(id, "SIGKILL");
      expect(await pi.ended).toBe(1);
      const error = pi.output().slice(pi.output().lastIndexOf("error:"));
      console.log(error);
      expect(error).toContain(child.says);
      expect(error).toContain("killed from outside");
      expect(await leftAfter(pi)).toEqual([]);
    },
  );

  test("and the run after all of them makes what an undisturbed one does", async () => {
    await finish(await buildAgent(at));
  });
});
