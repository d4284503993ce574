import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeRecord } from "../../../lib/cluster/records.ts";
import { findBuiltImage, isImagePath } from "../../../lib/emulator/find-image.ts";
import { writeAtomically } from "../../../lib/external/files.ts";
import { BUILD_ID } from "./sample-report.ts";

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "cache-"));
  await writeRecord(cache, "home", "agent-rpi-arm64", {
    buildId: BUILD_ID,
    inputs: {},
    finishedAt: "2026-11-22T00:00:00Z",
  });
});
afterEach(() => rm(cache, { recursive: true }));

const agent = { cluster: "home", profile: "agent", board: "rpi-arm64" };

describe("findBuiltImage", () => {
  it("finds the last build's image, and what it must report", async () => {
    const image = join(cache, "builds", BUILD_ID, "disk.img.zst");
    await writeAtomically(image, "");
    expect(await findBuiltImage(cache, agent)).toEqual({ image, expected: { ...agent, buildId: BUILD_ID } });
  });

  it("says so when the cache was cleaned since", async () => {
    await expect(findBuiltImage(cache, agent)).rejects.toMatchObject({
      code: "NO_BUILD",
      message: expect.stringContaining("is no longer in the cache") as string,
      fix: "./pi build agent",
    });
  });
});

describe("isImagePath", () => {
  it.each([
    ["agent", false],
    ["agent.img", true],
    ["home-agent-rpi-arm64-v1.0.0.img.zst", true],
    ["home-agent-rpi-arm64-v1.0.0.raucb", true],
    ["./agent", true],
    ["out/x", true],
  ])("%s: %s", (text, path) => expect(isImagePath(text)).toBe(path));
});
