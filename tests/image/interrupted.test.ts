import { mkdtemp, rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { halfMade } from "./leftovers.ts";
import {
  buildAgent,
  endAll,
  type Moment,
  printed,
  runs,
  startPi,
  startPiAtTerminal,
  startPiInPipe,
  untilGone,
} from "./running-pi.ts";
import { type Digests, digestsIn, type Room, type ScratchCache } from "./scratch-cache.ts";
import { cacheDir } from "./surroundings.ts";
import { tracesOf } from "./traces.ts";
import { undisturbedBuild } from "./undisturbed-build.ts";

interface Case {
  readonly step: string;
  /** Taken away before, with what is made from it. */
  readonly without: Room;
  readonly moment: Moment;
  readonly signal: "SIGINT" | "SIGTERM";
  readonly to: "process" | "group";
  readonly again?: number;
}

const term = { signal: "SIGTERM", to: "process" } as const;
const ctrlC = { signal: "SIGINT", to: "group" } as const;

const cases: readonly Case[] = [
  { step: "tools tree", without: "tools", moment: printed("tools tree ...", 2_500), ...term },
  { step: "tools tree", without: "tools", moment: printed("I: installing", 1_500), ...ctrlC },
  { step: "package lists", without: "archive", moment: printed("package lists ...", 800), ...term },
  { step: "package lists", without: "archive", moment: runs("apt-get", 300), ...ctrlC },
  { step: "lists asked", without: "builds", moment: runs("apt-get"), ...term },
  { step: "core system", without: "core", moment: runs("mmdebstrap", 2_000), ...ctrlC },
  { step: "core system", without: "core", moment: printed("Setting up", 500), ...term },
  { step: "base", without: "base", moment: printed("Unpacking", 200), ...term },
  { step: "base", without: "base", moment: printed("initramfs of", 1_500), ...ctrlC, again: 300 },
  { step: "playbook", without: "builds", moment: printed("TASK [ssh :"), ...term },
  { step: "playbook", without: "builds", moment: printed("TASK [journal :"), ...ctrlC },
  { step: "image", without: "builds", moment: runs("mke2fs", 300), ...term },
  { step: "image", without: "builds", moment: runs("zstd", 100), ...ctrlC },
];

describe.runIf(cacheDir !== undefined)("./pi build, interrupted", () => {
  let at: ScratchCache;
  let undisturbed: Digests;
  beforeAll(async () => {
    ({ at, undisturbed } = await undisturbedBuild());
  });
  afterEach(endAll);
  afterAll(() => at.remove());

  test.each(cases)(
    "$step, $moment.what: $signal to the $to",
    async ({ without, moment, signal, to, again }) => {
      await at.restore();
      await at.without(without);
      const pi = await buildAgent(at);
      await pi.reached(moment);
      const told = Date.now();
      pi.signal(signal, to);
      if (again !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, again));
        pi.signal(signal, to);
      }
      const code = await pi.ended;
      const took = Date.now() - told;
      console.log(`${moment.what}: ${signal} to ${to}: ${code} after ${took} ms`);
      expect(await tracesOf(pi, at)).toEqual([]);
      expect(code, pi.output().slice(-1500)).toBe(signal === "SIGINT" ? 130 : 143);
      expect(pi.output()).toContain("stopped: nothing half made is left");
    },
  );

  test("handing out, across file systems: SIGTERM to the process", async () => {
    await at.restore();
    const other = await mkdtemp("/dev/shm/results-");
    try {
      const pi = await buildAgent({ ...at, out: other });
      const halfOut = async () => (await halfMade(other)).length > 0;
      await pi.reached({ what: "a half-made result", come: halfOut });
      pi.signal("SIGTERM", "process");
      expect(await pi.ended, pi.output()).toBe(143);
      expect([...(await tracesOf(pi, at)), ...(await halfMade(other))]).toEqual([]);
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  test.each([1, 2])("at a terminal: Ctrl-C, pressed %d times", async (times) => {
    await at.restore();
    await at.without("builds");
    const pi = await startPiAtTerminal(["build", "agent", "--out", at.out], at);
    await pi.reached(runs("ansible-playbook", 3_000));
    for (let press = 1; press <= times; press += 1) {
      pi.type("\u0003");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await pi.ended, pi.output()).toBe(130);
    expect(await tracesOf(pi, at)).toEqual([]);
    expect(pi.output()).toContain("stopped: nothing half made is left");
    expect(pi.output().includes("stopping already")).toBe(times > 1);
  });

  test("at a terminal that is closed", async () => {
    await at.restore();
    await at.without("builds");
    const pi = await startPiAtTerminal(["build", "agent", "--out", at.out], at);
    await pi.reached(runs("ansible-playbook", 2_000));
    // `script`, which holds the other side of the terminal.
    pi.signal("SIGKILL", "process");
    await untilGone(pi, 15_000);
    expect(await tracesOf(pi, at)).toEqual([]);
  });

  test("read by nobody any more: ./pi build | head", async () => {
    const pi = await startPiInPipe(["build", "agent", "--verbose", "--out", at.out], "head -n 3", at);
    await pi.ended;
    await untilGone(pi);
    expect(await tracesOf(pi, at)).toEqual([]);
    expect(await halfMade(at.cache)).toEqual([]);
    expect(pi.output().trim().split("\n")).toHaveLength(3);
  });

  test("./pi boot: SIGINT to the group", async () => {
    await at.restore();
    const pi = await startPi(["boot", "agent", "--machine", "virt"], at);
    await pi.reached(runs("qemu-system-aarch64", 4_000));
    pi.signal("SIGINT", "group");
    expect(await pi.ended, pi.output()).toBe(130);
    expect(await tracesOf(pi, at)).toEqual([]);
    expect(pi.output()).toContain("stopped: nothing half made is left");
  });

  test("the next run makes what an undisturbed one does", async () => {
    await at.restore();
    await at.without("base");
    const pi = await buildAgent(at);
    expect(await pi.ended, pi.output().slice(-1500)).toBe(0);
    expect(await digestsIn(at.out)).toEqual(undisturbed);
  });
});
