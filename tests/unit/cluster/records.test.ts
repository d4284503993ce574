import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildState, describeState, isResolved } from "../../../lib/cluster/build-state.ts";
import { shapeBuilds, UNRESOLVED } from "../../../lib/cluster/compile.ts";
import type { Build } from "../../../lib/cluster/plan.ts";
import {
  isCached,
  lastBuilds,
  readResolved,
  recordPath,
  resolvedKey,
  resolvedPackages,
  resolvedPath,
  writeRecord,
  writeResolved,
} from "../../../lib/cluster/records.ts";
import { definitionOf } from "./definitions.ts";

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "records-"));
});
afterEach(() => rm(cacheDir, { recursive: true }));

const record = { buildId: "1".repeat(64), inputs: { playbook: "p" }, finishedAt: "2026-11-15T00:00:00Z" };

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

describe("records", () => {
  it("keeps the last build of each profile and board", async () => {
    await writeRecord(cacheDir, "home", "agent-rpi-arm64", { ...record, buildId: "0".repeat(64) });
    await writeRecord(cacheDir, "home", "agent-rpi-arm64", record);
    const keys = ["agent-rpi-arm64", "server-rpi-arm64"];
    expect(await lastBuilds(cacheDir, "home", keys)).toEqual({ "agent-rpi-arm64": record });
    expect(await lastBuilds(cacheDir, "lab", keys)).toEqual({});
  });

  it.each(["", "{", "null", "[]", '{"buildId":1}', '{"buildId":"a","finishedAt":"b","inputs":{"c":1}}'])(
    "takes a damaged record as none: %j",
    async (text) => {
      await put(recordPath(cacheDir, "home", "agent"), text);
      expect(await lastBuilds(cacheDir, "home", ["agent"])).toEqual({});
    },
  );

  it("has a build in the cache once it is done", async () => {
    await mkdir(join(cacheDir, "builds", record.buildId), { recursive: true });
    expect(await isCached(cacheDir, record.buildId)).toBe(false);
    await put(join(cacheDir, "builds", record.buildId, "done.json"), "{}");
    expect(await isCached(cacheDir, record.buildId)).toBe(true);
  });
});

describe("resolved packages", () => {
  const base = { suite: "trixie" } as const;
  const question = { board: "rpi-arm64", base, packages: ["htop", "jq"] };

  it("have one key per question, whatever its order", () => {
    const key = resolvedKey(question);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(
      resolvedKey({ packages: ["jq", "htop", "jq"], base: { ...base, url: undefined }, board: "rpi-arm64" }),
    ).toBe(key);
    expect(resolvedKey({ ...question, board: "virt" })).not.toBe(key);
    expect(resolvedKey({ ...question, packages: ["htop"] })).not.toBe(key);
    expect(resolvedKey({ ...question, base: { ...base, snapshot: "20261115T000000Z" } })).not.toBe(key);
  });

  it("are what was written for the builds that ask the same", async () => {
    const definition = definitionOf({
      profiles: {
        one: { board: "rpi-arm64", packages: ["jq", "htop"] },
        two: { board: "rpi-arm64", packages: ["htop", "jq"], role: "agent" },
        three: { board: "rpi-arm64" },
      },
    });
    const builds = shapeBuilds(definition);
    await writeResolved(cacheDir, resolvedKey(question), "digest");
    const packages = await resolvedPackages(cacheDir, definition.base, builds);
    expect(builds.map(packages)).toEqual(["digest", "digest", undefined]);
  });

  it("are unknown where the file is damaged", async () => {
    await put(resolvedPath(cacheDir, "key"), '{"digest":1}');
    expect(await readResolved(cacheDir, "key")).toBeUndefined();
    expect(await readResolved(cacheDir, "other")).toBeUndefined();
  });
});

describe("buildState", () => {
  const build = { buildId: "2".repeat(64), inputs: { playbook: "q", packages: "l" } } as unknown as Build;

  it.each([
    ["cached", record, true, "cached"],
    ["cached without a record", undefined, true, "cached"],
    ["never built", undefined, false, "new"],
    ["changed", record, false, "changed: playbook, packages"],
    ["no longer in the cache", { ...record, inputs: build.inputs }, false, "new"],
  ])("is %s", (_, last, cached, shown) => {
    expect(describeState(buildState(build, last, cached))).toBe(shown);
  });

  it("knows whether a build id is final", () => {
    expect(isResolved(build)).toBe(true);
    expect(isResolved({ ...build, inputs: { packages: UNRESOLVED } })).toBe(false);
  });
});
