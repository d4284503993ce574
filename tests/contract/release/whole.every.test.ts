import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { chmod, cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256OfText } from "../../../lib/external/files.ts";
import { processes } from "../../../lib/external/process.ts";
import { folderSource } from "../../../lib/external/source.ts";
import { verifyCommands } from "../../../lib/keys/cms.ts";
import { openManifest } from "../../../lib/manifest/client/open.ts";
import { localHome } from "../../../lib/manifest/local-home.ts";
import { openProjectKeys, type ProjectKeys } from "../../../lib/manifest/project-keys.ts";
import { publishRelease as announce } from "../../../lib/manifest/publish-release.ts";
import { verifyRelease } from "../../../lib/manifest/verify.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { detailsOf, localStoreOf, publish } from "./scene.ts";
import { type SmallRelease, smallRelease } from "./small-release.ts";

const scratch = scratchFolder();
const NOW = new Date("2026-11-02T12:00:00Z");
const signal = new AbortController().signal;
const world = { processes, signal };
const silent = { proved: () => undefined, reading: () => undefined };
let keys: ProjectKeys;
let place: string;
const releases = new Map<string, SmallRelease>();

beforeAll(async () => {
  place = mkdtempSync("/tmp/whole-");
  const request = { project: join(place, "project"), cluster: "home", now: NOW, development: true };
  keys = await openProjectKeys({ ...request, env: { PI_KEYS: join(place, "keys") } });
  const identity = keys.keys.signing(NOW);
  for (const tag of ["v1.0.0", "v1.1.0"]) {
    releases.set(tag, await smallRelease(tag, join(place, tag), identity));
  }
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Publishes and announces a release into a local store, as ./pi release does once its files are made. */
async function release(tag: string, store: string, checkpoint?: () => Promise<void>): Promise<void> {
  const small = releases.get(tag);
  if (small === undefined) throw new Error(tag);
  const points = checkpoint === undefined ? {} : { checkpoint };
  const folder = localStoreOf(store, points);
  await publish(folder, detailsOf(tag), small.assets);
  const change = await announce({
    ...{ home: localHome({ store, world, ...points }), keys: keys.keys, trustedRoot: keys.trustedRoot },
    ...{ release: small, now: NOW, urlsOf: (of: string, name: string) => [folder.urlOf(of, name)] },
  });
  await change.carryOut();
}

const requestFor = async (store: string) => ({
  manifest: folderSource(join(store, "manifest")),
  files: (await localHome({ store, world }).read()).files,
  assets: { source: folderSource(store), pathOf: (tag: string, name: string) => `releases/${tag}/${name}` },
  ...{ trustedRoot: keys.trustedRoot, now: NOW },
  ca: readFileSync(join(keys.publicFolder, "ca.pem"), "utf8"),
  scratch: mkdtempSync(scratch.join("reader-")),
});

describe("a whole release into a folder", () => {
  test("proves itself", async () => {
    const store = scratch.join("store");
    await release("v1.0.0", store);
    const document = await verifyRelease("v1.0.0", await requestFor(store), silent);
    expect(document).toEqual(releases.get("v1.0.0")?.document);
  });

  /** All targets of the manifest lie in the store, with their digests, or the manifest is not there yet. */
  async function look(store: string): Promise<string> {
    const source = folderSource(join(store, "manifest"));
    if ((await source.read("timestamp.json", 100_000)) === undefined) return "nothing";
    const folder = mkdtempSync(scratch.join("seen-"));
    const { targets } = await openManifest({ source, trustedRoot: keys.trustedRoot, folder, now: NOW });
    rmSync(folder, { recursive: true });
    for (const [path, { sha256 }] of targets) {
      if (!path.startsWith("releases/")) continue;
      expect([path, sha256OfText(readFileSync(join(store, path)))]).toEqual([path, sha256]);
    }
    return [...targets.keys()].filter((path) => path.endsWith("release.json")).join();
  }

  async function stateOf(store: string): Promise<string[]> {
    const names = (await readdir(store, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return names.sort().map((path) => `${path.slice(store.length)} ${sha256OfText(readFileSync(path))}`);
  }

  test("stopped at any point the next run ends in the same state, and no reader sees a name without its file", async () => {
    const before = scratch.join("before");
    await release("v1.0.0", before);
    const done = scratch.join("done");
    await cp(before, done, { recursive: true, verbatimSymlinks: true });
    let points = 0;
    const seen = new Set<string>();
    await release("v1.1.0", done, async () => {
      points += 1;
      seen.add(await look(done));
    });
    expect(points).toBeGreaterThan(30);
    const [one, two] = ["v1.0.0", "v1.1.0"].map((tag) => `releases/${tag}/release.json`);
    expect([...seen]).toEqual([one, `${one},${two}`]);
    const expected = await stateOf(done);
    for (let point = 1; point <= points; point += 1) {
      const store = scratch.join("cut");
      await cp(before, store, { recursive: true, verbatimSymlinks: true });
      let passed = 0;
      const stop = new Error("stopped here");
      const stopped = release("v1.1.0", store, async () => {
        passed += 1;
        if (passed === point) throw stop;
      });
      // Behind the last rename there is nothing left to stop.
      await stopped.catch(() => undefined);
      expect([point, passed >= point]).toEqual([point, true]);
      await look(store);
      await release("v1.1.0", store, async () => void (await look(store)));
      expect([point, await stateOf(store)]).toEqual([point, expected]);
      rmSync(store, { recursive: true });
    }
  }, 120_000);
});

describe("a byte changed anywhere", () => {
  let store: string;
  let changeable: string[];
  beforeAll(async () => {
    store = mkdtempSync(join(place, "flips-"));
    await release("v1.0.0", store);
    await release("v1.1.0", store);
    const all = await readdir(store, { recursive: true, withFileTypes: true });
    changeable = all
      .filter((entry) => entry.isFile() && !/^\.|^notes\.md$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.includes("/releases/v1.0.0/"));
    for (const path of changeable) await chmod(path, 0o644);
  });

  test("is refused, and the message names the file", async () => {
    expect(changeable.length).toBeGreaterThan(20);
    const byte = fc.record({
      path: fc.constantFrom(...changeable),
      at: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      bit: fc.integer({ min: 0, max: 7 }),
    });
    const refused = async (path: string, at: number, bit: number): Promise<void> => {
      const whole = readFileSync(path);
      const changed = Buffer.from(whole);
      const offset = Math.floor(at * whole.length);
      changed[offset] = (changed[offset] ?? 0) ^ (1 << bit);
      writeFileSync(path, changed);
      try {
        const name = path.split("/").at(-1) ?? "";
        const verifying = verifyRelease("v1.1.0", await requestFor(store), silent);
        await expect(verifying, `${path} at ${offset}, bit ${bit}`).rejects.toMatchObject({
          message: expect.stringContaining(name.replace(/^[0-9a-f]{64}\./, "")),
        });
      } finally {
        writeFileSync(path, whole);
      }
    };
    // Each file at least at its first and its last byte.
    for (const path of changeable) {
      await refused(path, 0, 0);
      await refused(path, 0.999_999, 5);
    }
    await fc.assert(
      fc.asyncProperty(byte, ({ path, at, bit }) => refused(path, at, bit)),
      { numRuns: 150 },
    );
    await verifyRelease("v1.1.0", await requestFor(store), silent);
  }, 120_000);

  test("of image, sums and signature is refused by the printed commands as well", async () => {
    const folder = mkdtempSync(join(place, "download-"));
    const names = ["home-agent-rpi-arm64-1.1.0.img.zst", "SHA256SUMS", "SHA256SUMS.p7s"];
    for (const name of names) await cp(join(store, "releases", "v1.1.0", name), join(folder, name));
    const signatureSha256 = sha256OfText(readFileSync(join(folder, "SHA256SUMS.p7s")));
    const commands = verifyCommands({ ca: join(keys.publicFolder, "ca.pem"), signatureSha256 }).join(" && ");
    const run = async (): Promise<number> => {
      const argv = ["sh", "-c", commands] as const;
      const accept = Array.from({ length: 256 }, (_, code) => code);
      return (await processes.run({ argv, cwd: folder, timeoutMs: 20_000, accept })).exitCode;
    };
    expect(await run()).toBe(0);
    for (const name of names) {
      const whole = readFileSync(join(folder, name));
      for (let time = 0; time < 12; time += 1) {
        const at = Math.floor(((time + 0.5) / 12) * whole.length);
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ (1 << (time % 8));
        writeFileSync(join(folder, name), changed);
        expect(await run(), `${name} at ${at}`).not.toBe(0);
      }
      writeFileSync(join(folder, name), whole);
    }
    expect(await run()).toBe(0);
  }, 60_000);
});
