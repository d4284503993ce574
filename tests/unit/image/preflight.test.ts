import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { realWorld } from "../../../lib/external/world.ts";
import { judgeMachine, type MachineFacts, preflight, readMachine } from "../../../lib/image/preflight.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const GIB = 1024 ** 3;
const NOON = Date.parse("2026-11-22T12:00:00Z");
const scratch = scratchFolder();
const programs = ["mmdebstrap", "unshare", "setpriv", "flock", "mount", "tar"];
const good: MachineFacts = {
  root: true,
  programs: Object.fromEntries(programs.map((program) => [program, true])),
  cacheDir: "/cache",
  cacheRefuses: undefined,
  freeDiskBytes: 8 * GIB,
  freeMemoryBytes: 1 * GIB,
  foreignPrograms: true,
  warm: false,
  now: NOON,
  past: NOON,
  archive: { kind: "status", status: 200, ms: 120 },
};
const wrong = (facts: Partial<MachineFacts>) => judgeMachine({ ...good, ...facts }).filter(({ ok }) => !ok);
const without = (program: string): Partial<MachineFacts> => ({
  programs: { ...good.programs, [program]: false },
});

describe("a machine that can build", () => {
  it("has nothing wrong, exactly at the limits too", () => {
    expect(wrong({})).toEqual([]);
    expect(judgeMachine(good)).toHaveLength(7 + programs.length);
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
    ["cache", { cacheRefuses: "EROFS" }, "/cache is on a read-only file system", /PI_CACHE=/],
    ["cache", { cacheRefuses: "ENOTDIR" }, "/cache is no folder", /PI_CACHE=/],
    ["cache", { cacheRefuses: "EIO" }, "/cache cannot be written (EIO)", /PI_CACHE=/],
    [
      "archive",
      { archive: { kind: "silent", why: "ECONNREFUSED" } },
      "deb.debian.org cannot be reached (ECONNREFUSED)",
      /network.*http_proxy/,
    ],
    [
      "archive",
      { archive: { kind: "status", status: 503, ms: 20 } },
      "deb.debian.org answers 503",
      /network/,
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

  it("is only warned of a clock that is slow", () => {
    expect(wrong({ now: NOON - 60_000 })).toEqual([
      {
        name: "clock",
        ok: false,
        found: "2026-11-22 11:59 UTC, but 2026-11-22 12:00 UTC is past: this project was written then",
        fix: expect.stringMatching(/^sudo timedatectl/),
        warning: true,
      },
    ]);
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

  it("asks the archive only where it is told to, or starts from nothing", async () => {
    vi.stubEnv("http_proxy", "http://127.0.0.1:9");
    try {
      expect((await readMachine(context())).archive).toBeUndefined();
      const silent = { kind: "silent", why: "ECONNREFUSED" };
      expect((await readMachine({ ...context(), askArchive: "always" })).archive).toEqual(silent);
      expect((await readMachine({ ...context(), askArchive: "cold" })).archive).toEqual(silent);
      mkdirSync(scratch.join("cache/tools/abc"), { recursive: true });
      writeFileSync(scratch.join("cache/tools/abc/done.json"), "{}");
      expect((await readMachine({ ...context(), askArchive: "cold" })).archive).toBeUndefined();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("refuses a cache below a file", async () => {
    writeFileSync(scratch.join("cache"), "");
    expect((await readMachine(context())).cacheRefuses).toBe("ENOTDIR");
  });

  it("warns of a clock that is slow, and builds", async () => {
    const { world, cacheDir } = context();
    const told: string[] = [];
    const slow = { ...world, clock: { ...world.clock, now: () => 0 } };
    const refused = await preflight({ world: slow, cacheDir, warn: (text) => told.push(text) }).then(
      () => [],
      (error: { details: string[] }) => error.details,
    );
    expect(refused.filter((detail) => detail.startsWith("clock"))).toEqual([]);
    expect(told).toEqual([expect.stringMatching(/^clock: 1970-01-01 00:00 UTC, but 20\d\d-/)]);
  });

  it("passes or fails in one error with a line for each need", async () => {
    const facts = await readMachine({ ...context(), askArchive: "cold" });
    const findings = judgeMachine(facts).filter(({ ok, warning }) => !ok && !warning);
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
