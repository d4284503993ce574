import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { acquireLock } from "../../../lib/external/lock.ts";
import { processes } from "../../../lib/external/process.ts";
import { realWorld } from "../../../lib/external/world.ts";
import { freeCache, tidyCache, usingCache } from "../../../lib/image/cache-use.ts";
import { scratchFolder } from "../external/scratch-folder.ts";
import { quietReporter } from "./quiet-reporter.ts";

const scratch = scratchFolder();
const world = realWorld(new AbortController().signal);
const key = "a".repeat(64);
const other = "b".repeat(64);
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function put(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(scratch.join(path)), { recursive: true });
    writeFileSync(scratch.join(path), "");
  }
}
const files = (): string[] =>
  readdirSync(scratch.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(scratch.path.length + 1))
    .sort();

/** Another run that uses the cache. */
async function user(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "cache-user.ts"), scratch.path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout ?? child, "data");
  return child;
}

const whole = [
  `base/${key}/base.tar`,
  `base/${key}/done.json`,
  `archive/${key}/selections/0123.txt`,
  "archive/resolved/0123.json",
  "durations.json",
];
/** People's own, however much it looks like ours. */
const foreign = [
  "notes.tmp",
  "base/notes.part",
  "base/my.making-of/film",
  "scratch/boot-camp/plan",
  `base/${key}/x.tmp-1-01234567`,
];
const dead = [
  `base/${key}.making-0123abcd/half`,
  `core/${other}.making-0123abcd/deep/down/half`,
  "durations.json.tmp-123-0123abcd",
  "records/home-agent.json.tmp-123-0123abcd",
  `archive/${key}/selections/0123.txt.tmp-123-0123abcd`,
  "archive/resolved/0123.json.tmp-123-0123abcd",
  "scratch/boot-aB3xYz/disk.img",
  "scratch/demonstration-aB3xYz/store/v1.0.0/disk.img.zst",
  "scratch/diff-aB3xYz/first.img",
  "scratch/node-aB3xYz/card.qcow2",
  "scratch/session-aB3xYz/store/channel.json",
  "sums-aB3xYz/SHA256SUMS",
  "tools.removing-0123abcd/root/bin/sh",
];

describe("what killed runs have left in a cache", () => {
  it("goes with the next run, and only that", async () => {
    put(...whole, ...foreign, ...dead);
    await tidyCache(scratch.path, world);
    expect(files().filter((path) => !path.endsWith(".lock"))).toEqual([...whole, ...foreign].sort());
  });

  it("is told from what another run is making: that stays, with all that cannot be told apart", async () => {
    await user();
    put(...whole, ...dead);
    const lock = await acquireLock(processes, { file: scratch.join(`base/${key}.lock`), mode: "exclusive" });
    await tidyCache(scratch.path, world);
    await lock?.release();
    const gone = dead.filter((path) => path.startsWith("core/"));
    const expected = [...whole, ...dead].filter((path) => !gone.includes(path)).sort();
    expect(files().filter((path) => !path.endsWith(".lock"))).toEqual(expected);
  });

  it("is nothing where there is no cache yet", async () => {
    await tidyCache(scratch.join("new/cache"), world);
    expect(readdirSync(scratch.join("new/cache"))).toEqual([]);
  });
});

describe("a cache in use", () => {
  it("may be used by others as well, and says nothing", async () => {
    await user();
    const { reporter, said } = quietReporter();
    expect(await usingCache(scratch.path, world, reporter, async () => "used")).toBe("used");
    expect(said).toEqual([]);
  });

  it("is not freed, and stays as it is", async () => {
    put(...whole);
    await user();
    const freed = freeCache(scratch.path, world, async () => undefined);
    await expect(freed).rejects.toMatchObject({
      area: "image",
      code: "CACHE",
      message: expect.stringContaining(`${scratch.path} is in use`),
    });
    expect(files()).toEqual([...whole].sort());
  });

  it("is free again when its user is killed, or fails", async () => {
    put(...whole);
    const child = await user();
    child.kill("SIGKILL");
    await once(child, "exit");
    // Within a moment, not at once: who holds the lock for it has to see that its pipe is closed.
    const wait = { file: scratch.path, mode: "exclusive", waitMs: 5_000 } as const;
    await (await acquireLock(processes, wait))?.release();
    const { reporter } = quietReporter();
    const failed = usingCache(scratch.path, world, reporter, () => Promise.reject(new Error("no luck")));
    await expect(failed).rejects.toThrow("no luck");
    const parts: string[] = [];
    await freeCache(scratch.path, world, async (path) => void parts.push(path));
    expect(parts).toEqual(["archive", "base", "durations.json"].map((name) => scratch.join(name)));
    expect(readdirSync(scratch.path)).toEqual([]);
  });
});

describe("a cache that is being freed", () => {
  it("is waited for by who wants to use it, which is said", async () => {
    put(...whole);
    const { reporter, said } = quietReporter();
    let using: Promise<boolean> | undefined;
    await freeCache(scratch.path, world, async () => {
      using ??= usingCache(scratch.path, world, reporter, async () => existsSync(scratch.join("base")));
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    expect(await using).toBe(false);
    expect(said).toEqual([`waiting for another run that is tidying up ${scratch.path}`]);
  });

  it("holds nothing that looks whole when that is interrupted", async () => {
    put(...whole);
    const controller = new AbortController();
    const freed = freeCache(scratch.path, realWorld(controller.signal), async () => controller.abort());
    await expect(freed).rejects.toThrow();
    expect(files()).toEqual(whole.filter((path) => !path.startsWith("archive/")).sort());
  });
});
