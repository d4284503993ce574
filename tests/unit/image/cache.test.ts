import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { realWorld } from "../../../lib/external/world.ts";
import { type CacheRequest, cacheFolder, ensureCached, readDone } from "../../../lib/image/cache.ts";
import { scratchFolder, until } from "../external/scratch-folder.ts";
import { quietReporter } from "./quiet-reporter.ts";

const scratch = scratchFolder();
const key = "a".repeat(64);
const other = "b".repeat(64);

function ensure(request: Partial<CacheRequest>, signal = new AbortController().signal) {
  const { reporter, said } = quietReporter();
  const entry = ensureCached(
    { cacheDir: scratch.path, room: "room", key, about: {}, make: async () => undefined, ...request },
    realWorld(signal),
    reporter,
  );
  return { entry, said };
}

/** What lies in the room, lock files left out. */
const room = (): string[] => readdirSync(scratch.join("room")).filter((name) => !name.endsWith(".lock"));

function maker(ms: number): { child: ChildProcess; answer: Promise<string> } {
  const argv = [
    join(import.meta.dirname, "cache-maker.ts"),
    scratch.path,
    key,
    scratch.join("made-by"),
    String(ms),
  ];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const answer = once(child.stdout ?? child, "data").then(([chunk]) => String(chunk));
  return { child, answer };
}

describe("a cache entry", () => {
  it("is made once and found afterwards", async () => {
    const make = async (folder: string): Promise<void> => writeFileSync(join(folder, "content"), "x");
    const first = await ensure({ make }).entry;
    expect(first).toEqual({ folder: scratch.join("room", key), reused: false });
    expect(readFileSync(join(first.folder, "content"), "utf8")).toBe("x");
    const never = async (): Promise<void> => {
      throw new Error("made twice");
    };
    expect(await ensure({ make: never }).entry).toEqual({ folder: first.folder, reused: true });
  });

  it("tells what it is: key, time, and what the maker says", async () => {
    await ensure({ about: { epoch: 1 } }).entry;
    const done = await readDone(scratch.path, "room", key);
    expect(done).toEqual({ key, epoch: 1, madeAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) });
    expect(await readDone(scratch.path, "room", other)).toBeUndefined();
  });

  it("gets its marker last: without it nothing is taken for a result", async () => {
    let during: unknown = "not asked";
    await ensure({
      make: async (folder) => {
        writeFileSync(join(folder, "content"), "");
        during = [existsSync(cacheFolder(scratch.path, "room", key)), existsSync(join(folder, "done.json"))];
      },
    }).entry;
    expect(during).toEqual([false, false]);
  });

  it("of a folder without marker is made anew, from an empty folder", async () => {
    mkdirSync(scratch.join("room", key), { recursive: true });
    writeFileSync(scratch.join("room", key, "stale"), "");
    const entry = await ensure({ make: async (folder) => expect(readdirSync(folder)).toEqual([]) }).entry;
    expect(entry.reused).toBe(false);
    expect(readdirSync(entry.folder)).toEqual(["done.json"]);
  });
});

describe("making that fails", () => {
  it("leaves nothing, and the next run makes it", async () => {
    const make = async (folder: string): Promise<void> => {
      mkdirSync(join(folder, "deep/down"), { recursive: true });
      throw new Error("no luck");
    };
    await expect(ensure({ make }).entry).rejects.toThrow("no luck");
    expect(room()).toEqual([]);
    expect((await ensure({}).entry).reused).toBe(false);
  });

  it("that is interrupted keeps the lock until it has tidied up", async () => {
    const controller = new AbortController();
    const make = async (folder: string): Promise<void> => {
      writeFileSync(join(folder, "half"), "");
      controller.abort();
      await new Promise((resolve) => setTimeout(resolve, 300));
      throw new Error("stopped");
    };
    const first = ensure({ make }, controller.signal).entry.catch((error: Error) => error.message);
    await until(() => controller.signal.aborted, "making did not begin");
    const second = await ensure({ make: async () => expect(room()).toHaveLength(1) }).entry;
    expect(await first).toBe("stopped");
    expect(second.reused).toBe(false);
    expect(room()).toEqual([key]);
  });
});

describe("two runs at once", () => {
  it("make an entry once; the second waits and finds it", async () => {
    const [one, two] = [maker(600), maker(600)];
    const answers = await Promise.all([one.answer, two.answer]);
    expect(answers.toSorted()).toEqual(["made\n", "reused\n"]);
    expect(readFileSync(scratch.join("made-by"), "utf8").trim().split("\n")).toHaveLength(1);
    expect(room()).toEqual([key]);
  });

  it("say what they wait for", async () => {
    const first = maker(600);
    await until(() => existsSync(scratch.join("made-by")), "the first run did not begin");
    const second = ensure({});
    expect((await second.entry).reused).toBe(true);
    expect(second.said).toEqual([`waiting for another run that is making room/${"a".repeat(12)}`]);
    expect(await first.answer).toBe("made\n");
  });

  it("of different keys do not wait for each other", async () => {
    const first = maker(20_000);
    await until(() => existsSync(scratch.join("made-by")), "the first run did not begin");
    expect((await ensure({ key: other }).entry).reused).toBe(false);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
  });
});

describe("what a killed run leaves", () => {
  it("is no result, and goes with the next run of that key, and only that", async () => {
    const { child } = maker(20_000);
    await until(() => existsSync(scratch.join("made-by")), "the run did not begin");
    child.kill("SIGKILL");
    await once(child, "exit");
    const [left] = room();
    expect(left).toMatch(new RegExp(`^${key}\\.making-`));
    mkdirSync(scratch.join("room", `${other}.making-1`));
    mkdirSync(scratch.join("room", other));
    expect((await ensure({}).entry).reused).toBe(false);
    expect(room().sort()).toEqual([key, other, `${other}.making-1`]);
    expect(readdirSync(scratch.join("room", key))).toEqual(["done.json"]);
  });
});
