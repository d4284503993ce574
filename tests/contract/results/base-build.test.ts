import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { compareWithBase } from "../../../lib/diff/against-base.ts";
import { findBase, keepAsBase } from "../../../lib/diff/base-build.ts";
import { openLayerStore } from "../../../lib/external/layer-store.ts";
import { realWorld, type World } from "../../../lib/external/world.ts";
import type { BuiltImage } from "../../../lib/image/build/results.ts";
import { sbom } from "../../../lib/image/build/sbom.ts";
import { type FakeResults, startResults } from "../../../workbench/results/server.ts";
import { quietReporter } from "../../unit/image/quiet-reporter.ts";

const NAME = "home-agent-rpi-arm64";
const [ONE, TWO, THREE] = ["1", "2", "3"].map((digit) => digit.repeat(40)) as [string, string, string];
const digest = (digit: string): string => digit.repeat(64);

let folder: string;
let cache: string;
let results: FakeResults;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "base-build-"));
  cache = join(folder, "cache");
  await mkdir(join(folder, "temp"));
  results = await startResults(join(folder, "blobs"));
  vi.stubEnv("GITHUB_SERVER_URL", "https://github.com");
  vi.stubEnv("GITHUB_WORKSPACE", folder);
  vi.stubEnv("RUNNER_TEMP", join(folder, "temp"));
  for (const [name, value] of Object.entries(results.environment("run"))) vi.stubEnv(name, value);
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await results.close();
  await rm(folder, { recursive: true });
});

const worldOf = async (mode: "read" | "read-write"): Promise<World> => ({
  ...realWorld(new AbortController().signal),
  layers: await openLayerStore(mode),
});

/** A finished build of which nothing but its records is there. */
async function build(buildId: string, ...packages: readonly string[]): Promise<BuiltImage> {
  const place = join(folder, "made", buildId);
  await mkdir(place, { recursive: true });
  const listed = packages.map((name) => ({ name, version: "1-1", architecture: "arm64", source: name }));
  const text = await sbom({ name: NAME, buildId, packages: listed, firmware: [], epoch: 1_760_000_000 });
  await writeFile(join(place, "sbom.cdx.json"), text);
  const info = {
    ...{ version: 1 as const, name: NAME, cluster: "home", profile: "agent", board: "rpi-arm64", buildId },
    ...{ inputs: {}, builder: "chroot", base: { sha256: digest("0"), epoch: 1 }, tools: digest("0") },
    ...{ tree: { sha256: digest("0") }, slot: { bytes: 1, sha256: digest("0") }, durationMs: 1 },
    disk: { bytes: 1, sha256: digest("0") },
  };
  return {
    id: "agent-rpi-arm64",
    info,
    reused: false,
    folder: place,
    image: join(place, "disk.img.zst"),
  };
}

/** A runner that forgets: what comes next finds GitHub's cache and nothing else. */
const forget = (): Promise<void> => rm(cache, { recursive: true, force: true });

describe("builds of the base branch, in GitHub's cache", () => {
  test("are found by their commit, and else the newest is", async () => {
    for (const [commit, id] of [
      [ONE, "a"],
      [TWO, "b"],
    ] as const) {
      await keepAsBase(await build(digest(id), "bash"), commit, cache, await worldOf("read-write"));
      await forget();
    }
    const found = async (commit: string) =>
      (await findBase(NAME, commit, cache, await worldOf("read")))?.commit;
    expect(await found(ONE)).toBe(ONE);
    expect(await found(THREE)).toBe(TWO);
    await forget();
    expect(await found(THREE)).toBe(TWO);
    expect(await found(TWO)).toBe(TWO);
    expect(results.problems).toEqual([]);
  });

  test("are not those of a profile whose name begins alike, nor anything that cannot be read", async () => {
    await keepAsBase(await build(digest("a"), "bash"), ONE, cache, await worldOf("read-write"));
    await forget();
    const world = await worldOf("read");
    expect(await findBase("home-agent", ONE, cache, world)).toBeUndefined();
    expect(await findBase(NAME, ONE, cache, world)).toBeDefined();
    const file = join(cache, "latest", `${NAME}.json`);
    await writeFile(file, (await readFile(file, "utf8")).slice(0, 100));
    vi.stubEnv("ACTIONS_RESULTS_URL", "");
    expect(await findBase(NAME, ONE, cache, await worldOf("read"))).toBeUndefined();
  });

  test("are not made by a run that only reads", async () => {
    await keepAsBase(await build(digest("a"), "bash"), ONE, cache, await worldOf("read"));
    expect(results.caches).toEqual([]);
  });
});

describe("a build next to the base branch's", () => {
  const compare = async (built: BuiltImage) => {
    const tools = () => Promise.reject(new Error("no image is there to be read"));
    const request = { commit: ONE, built, cacheDir: cache, tools };
    return compareWithBase(request, await worldOf("read"), quietReporter().reporter);
  };

  test("has nothing to be compared with at first", async () => {
    expect(await compare(await build(digest("b"), "bash"))).toEqual({
      kind: "none",
      why: "no build of home-agent-rpi-arm64 from the base branch is in the cache yet",
    });
  });

  test("is compared by packages where the image was put away, which leaves nothing half made", async () => {
    await keepAsBase(await build(digest("a"), "bash", "nano"), ONE, cache, await worldOf("read-write"));
    await forget();
    expect(await compare(await build(digest("b"), "bash", "tree"))).toMatchObject({
      kind: "packages",
      packages: [
        { name: "nano:arm64", change: "removed" },
        { name: "tree:arm64", change: "added" },
      ],
      why: "the image of build aaaaaaaaaaaa is no longer in the cache",
    });
    expect(await readdir(join(cache, "builds"))).toEqual([`${digest("a")}.lock`]);
    expect((await compare(await build(digest("a"), "bash", "nano"))).kind).toBe("same");
  });

  test("does not fail for want of room for the comparison", async () => {
    const base = await build(digest("a"), "bash");
    await keepAsBase(base, ONE, cache, await worldOf("read-write"));
    const entry = join(cache, "builds", digest("a"));
    await mkdir(entry, { recursive: true });
    await writeFile(join(entry, "done.json"), "{}");
    await writeFile(join(cache, "scratch"), "a file where the folder should be");
    await writeFile(join(entry, "disk.img.zst"), "");
    const built = await build(digest("b"), "bash");
    await writeFile(join(built.folder, "disk.img.zst"), "");
    const command = (): { argv: [string]; timeoutMs: number } => ({ argv: ["false"], timeoutMs: 1 });
    const tools = { path: folder, digest: "", command };
    const request = { commit: ONE, built, cacheDir: cache, tools: async () => tools };
    const compared = await compareWithBase(request, await worldOf("read"), quietReporter().reporter);
    expect(compared).toMatchObject({
      kind: "packages",
      packages: [],
      why: expect.stringContaining("EEXIST"),
    });
  });

  test("is not compared where a bill of materials is none", async () => {
    const broken = await build(digest("a"));
    await writeFile(join(broken.folder, "sbom.cdx.json"), "{}");
    await keepAsBase(broken, ONE, cache, await worldOf("read-write"));
    expect(await compare(await build(digest("b")))).toEqual({
      kind: "none",
      why: "bill of the base: this is not a CycloneDX document of ours",
    });
  });
});
