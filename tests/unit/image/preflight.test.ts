import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { realWorld } from "../../../lib/external/world.ts";
import { judgeMachine, type MachineFacts, preflight, readMachine } from "../../../lib/image/preflight.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const GIB = 1024 ** 3;
const scratch = scratchFolder();
const programs = ["mmdebstrap", "unshare", "setpriv", "flock", "mount", "tar"];
const good: MachineFacts = {
  root: true,
  programs: Object.fromEntries(programs.map((program) => [program, true])),
  freeDiskBytes: 8 * GIB,
  freeMemoryBytes: 1 * GIB,
  foreignPrograms: true,
  warm: false,
};
const wrong = (facts: Partial<MachineFacts>) => judgeMachine({ ...good, ...facts }).filter(({ ok }) => !ok);
const without = (program: string): Partial<MachineFacts> => ({
  programs: { ...good.programs, [program]: false },
});

describe("a machine that can build", () => {
  it("has nothing wrong, exactly at the limits too", () => {
    expect(wrong({})).toEqual([]);
    expect(judgeMachine(good)).toHaveLength(4 + programs.length);
  });

  it("needs less disk when the tools tree is there", () => {
    expect(wrong({ freeDiskBytes: 2 * GIB, warm: true })).toEqual([]);
    expect(wrong({ freeDiskBytes: 2 * GIB - 1, warm: true })).toHaveLength(1);
  });
});

describe("a machine that cannot build", () => {
  it.each<[string, Partial<MachineFacts>, string, RegExp]>([
    ["root", { root: false }, "neither root nor sudo", /sudo/],
    ["mmdebstrap", without("mmdebstrap"), "missing", /^sudo apt-get install mmdebstrap$/],
    ["unshare", without("unshare"), "missing", /^sudo apt-get install util-linux$/],
    ["setpriv", without("setpriv"), "missing", /^sudo apt-get install util-linux$/],
    ["flock", without("flock"), "missing", /^sudo apt-get install util-linux$/],
    ["mount", without("mount"), "missing", /^sudo apt-get install mount$/],
    [
      "tar",
      { programs: { ...good.programs, tar: undefined as never } },
      "missing",
      /^sudo apt-get install tar$/,
    ],
    ["free disk", { freeDiskBytes: 8 * GIB - 1 }, "8.0 GiB, 8.0 GiB needed", /\.\/pi clean.*PI_CACHE/],
    ["free memory", { freeMemoryBytes: GIB / 2 }, "0.5 GiB, 1.0 GiB needed", /close/],
    [
      "arm64 programs",
      { foreignPrograms: false },
      "the kernel has no binfmt_misc",
      /^sudo modprobe binfmt_misc$/,
    ],
  ])("for want of %s is told what mends it", (name, facts, found, fix) => {
    expect(wrong(facts)).toEqual([{ name, ok: false, found, fix: expect.stringMatching(fix) }]);
  });

  it("is told everything at once", () => {
    expect(wrong({ root: false, programs: {}, freeDiskBytes: 0 })).toHaveLength(2 + programs.length);
  });
});

describe("this machine", () => {
  const context = () => ({ world: realWorld(new AbortController().signal), cacheDir: scratch.join("cache") });

  it("is read in well under ten seconds, cache or not", async () => {
    const facts = await readMachine(context());
    expect(Object.keys(facts.programs)).toEqual(programs);
    expect(facts.programs).toMatchObject({ tar: true, flock: true, mount: true });
    expect(facts.freeDiskBytes).toBeGreaterThan(0);
    expect(facts.freeMemoryBytes).toBeGreaterThan(0);
  });

  it("is warm when a tools tree is finished, not when one was begun", async () => {
    mkdirSync(scratch.join("cache/tools/abc"), { recursive: true });
    writeFileSync(scratch.join("cache/tools/abc.lock"), "");
    expect((await readMachine(context())).warm).toBe(false);
    writeFileSync(scratch.join("cache/tools/abc/done.json"), "{}");
    expect((await readMachine(context())).warm).toBe(true);
  });

  it("passes or fails in one error with a line for each need", async () => {
    const findings = judgeMachine(await readMachine(context())).filter(({ ok }) => !ok);
    const outcome = await preflight(context()).then(
      () => [],
      (error: { code: string; details: string[] }) => {
        expect(error.code).toBe("PREFLIGHT");
        return error.details.map((detail) => detail.split(":")[0]);
      },
    );
    expect(outcome).toEqual(findings.map(({ name }) => name));
  });
});
