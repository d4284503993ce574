import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openLayerStore } from "../../../lib/external/layer-store.ts";
import { openRunArtifacts } from "../../../lib/external/run-artifacts.ts";
import { type FakeResults, startResults } from "../../../workbench/results/server.ts";
import { runOf, runtimeToken } from "../../../workbench/results/token.ts";

let folder: string;
let results: FakeResults;

/** The environment of a job: the clients look nowhere else. */
function enter(run: string): void {
  vi.stubEnv("GITHUB_SERVER_URL", "https://github.com");
  vi.stubEnv("GITHUB_WORKSPACE", folder);
  vi.stubEnv("RUNNER_TEMP", join(folder, "temp"));
  for (const [name, value] of Object.entries(results.environment(run))) vi.stubEnv(name, value);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "results-"));
  await mkdir(join(folder, "temp"));
  results = await startResults(join(folder, "blobs"));
  enter("run-1");
  // The clients talk to people on standard output.
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await results.close();
  await rm(folder, { recursive: true });
});

/** 20 MiB: three blocks. */
const large = Buffer.alloc(20 * 1024 * 1024, "0123456789abcdef-");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function put(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("artifacts, with GitHub's own client", () => {
  test("arrive as they were sent, in blocks", async () => {
    const artifacts = await openRunArtifacts();
    await artifacts.upload("image-agent", [await put("a.img", large), await put("a.json", "{}")]);
    const [found] = await artifacts.list();
    expect(found).toMatchObject({ name: "image-agent", digest: expect.stringMatching(/^sha256:/) });
    if (found === undefined) return;
    await artifacts.download(found, join(folder, "out"));
    expect(sha256(await readFile(join(folder, "out", "a.img")))).toBe(sha256(large));
    expect(await readFile(join(folder, "out", "a.json"), "utf8")).toBe("{}");
    expect(results.problems).toEqual([]);
  });

  test("of an earlier attempt are replaced", async () => {
    const artifacts = await openRunArtifacts();
    await artifacts.upload("boot", [await put("b", "first")]);
    await artifacts.upload("boot", [await put("b", "second")]);
    const all = await artifacts.list();
    expect(all.map(({ name }) => name)).toEqual(["boot"]);
    await artifacts.download(all[0] ?? { id: 0, name: "", bytes: 0, digest: undefined }, join(folder, "out"));
    expect(await readFile(join(folder, "out", "b"), "utf8")).toBe("second");
  });

  test("are kept as many days as are asked for, and as the repository says else", async () => {
    const artifacts = await openRunArtifacts();
    const before = Date.now();
    await artifacts.upload("preview", [await put("a", "first")], { retentionDays: 5 });
    await artifacts.upload("release", [await put("b", "second")]);
    const [preview, release] = results.artifacts.map(({ expiresAt }) => expiresAt);
    const days = (Date.parse(preview ?? "") - before) / (24 * 60 * 60_000);
    expect(Math.round(days)).toBe(5);
    expect(release).toBeUndefined();
  });

  test("of another run are not seen", async () => {
    await (await openRunArtifacts()).upload("boot", [await put("b", "first")]);
    enter("run-2");
    expect(await (await openRunArtifacts()).list()).toEqual([]);
  });

  test("that are not what was uploaded are refused", async () => {
    const artifacts = await openRunArtifacts();
    await artifacts.upload("boot", [await put("b", "first")]);
    const [found] = await artifacts.list();
    const forged = {
      ...found,
      id: found?.id ?? 0,
      name: "boot",
      bytes: 1,
      digest: `sha256:${"0".repeat(64)}`,
    };
    await expect(artifacts.download(forged, join(folder, "out"))).rejects.toMatchObject({ code: "DIGEST" });
  });
});

describe("the cache, with GitHub's own client", () => {
  const entry = async (content: string): Promise<string> => {
    await mkdir(join(folder, "builds", "one"), { recursive: true });
    await writeFile(join(folder, "builds", "one", "done.json"), content);
    return join(folder, "builds", "one");
  };

  test("gives an entry back to another run", async () => {
    const place = await entry("kept");
    await (await openLayerStore("read-write")).keep(place, "builds-1");
    await rm(place, { recursive: true });
    enter("run-2");
    const layers = await openLayerStore("read");
    expect(await layers.restore(place, "builds-2")).toBe(false);
    expect(await layers.restore(place, "builds-1")).toBe(true);
    expect(await readFile(join(place, "done.json"), "utf8")).toBe("kept");
    expect(results.problems).toEqual([]);
  });

  test("keeps nothing for who only reads, or may not write, and does not fail", async () => {
    const place = await entry("kept");
    await (await openLayerStore("read")).keep(place, "builds-1");
    results.cacheRights.write = false;
    await (await openLayerStore("read-write")).keep(place, "builds-1");
    expect(results.caches).toEqual([]);
  });

  test("that a run may not read is a cache with nothing in it", async () => {
    const place = await entry("kept");
    await (await openLayerStore("read-write")).keep(place, "builds-1");
    vi.stubEnv("ACTIONS_CACHE_MODE", "none");
    expect(await (await openLayerStore("read")).restore(place, "builds-1")).toBe(false);
  });
});

test("a job's token says which run it is of", () => {
  expect(runOf(`Bearer ${runtimeToken("a", "b")}`)).toBe("a");
  expect(runOf("Bearer x")).toBeUndefined();
  expect(runOf(undefined)).toBeUndefined();
});
