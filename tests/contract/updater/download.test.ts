import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clock } from "../../../lib/external/clock.ts";
import { downloadBundle } from "../../../updater/download.ts";
import { proxy as limits } from "../../../updater/limits.ts";
import { FaultServer } from "./fault-server.ts";

const content = randomBytes(2_500_000);
const sha256 = createHash("sha256").update(content).digest("hex");
const quick = { ...limits, stallMs: 200, rangeMs: 400, readMs: 600, firstPauseMs: 10, longestPauseMs: 50 };
let server: FaultServer;
let folder = "";
beforeEach(async () => {
  server = await new FaultServer(content).start();
  folder = mkdtempSync(join(tmpdir(), "updater-download-"));
});
afterEach(() => {
  server.stop();
  rmSync(folder, { recursive: true, force: true });
});
const run = (digest = sha256) =>
  downloadBundle(
    { urls: [server.url], bytes: content.length, sha256: digest },
    join(folder, "bundles", "a.raucb"),
    clock,
    quick,
  );
const path = () => join(folder, "bundles", "a.raucb");

describe("a bundle that is downloaded whole", () => {
  it("is there when its digest is right", async () => {
    expect(await run()).toMatchObject({ received: content.length, failed: 0 });
    expect(readFileSync(path()).equals(content)).toBe(true);
    expect(existsSync(`${path()}.part`)).toBe(false);
  });

  it("goes on where it was cut off", async () => {
    await run();
    writeFileSync(`${path()}.part`, content.subarray(0, 2_000_000));
    rmSync(path());
    expect((await run()).received).toBe(500_000);
    expect(readFileSync(path()).equals(content)).toBe(true);
  });

  it("is not asked for again where it is there already", async () => {
    await run();
    const asked = server.asked.length;
    expect(await run()).toMatchObject({ received: 0, requests: 0 });
    expect(server.asked).toHaveLength(asked);
    expect(readFileSync(path()).equals(content)).toBe(true);
  });

  it.each([
    ["of another length", Buffer.alloc(7)],
    ["of another digest", Buffer.alloc(content.length)],
  ])("is downloaded again where what is there is %s", async (_, found) => {
    await run();
    writeFileSync(path(), found);
    expect(await run()).toMatchObject({ received: content.length });
    expect(readFileSync(path()).equals(content)).toBe(true);
  });

  it("keeps what came when the server goes away", async () => {
    server.fault = "504";
    server.faults = Number.POSITIVE_INFINITY;
    await expect(run()).rejects.toMatchObject({ code: "STREAM" });
    server.fault = "none";
    expect(await run()).toMatchObject({ received: content.length });
  });

  it("begins anew after a part that is wrong", async () => {
    await run();
    rmSync(path());
    writeFileSync(`${path()}.part`, Buffer.alloc(2_000_000));
    await expect(run()).rejects.toMatchObject({ code: "DOWNLOAD" });
    expect(existsSync(path())).toBe(false);
    expect((await run()).received).toBe(content.length);
  });

  // Devices that answer as a full and a broken disk do.
  it.each([
    ["is full", "/dev/full", "SPACE", "ENOSPC"],
    ["cannot be read or written", "/proc/self/mem", "DOWNLOAD", "EIO"],
  ])("is told of, and takes no room, where data %s", async (said, device, code, cause) => {
    mkdirSync(join(folder, "bundles"));
    symlinkSync(device, `${path()}.part`);
    await expect(run()).rejects.toMatchObject({
      ...{ code, cause: { code: cause } },
      message: expect.stringContaining(`data ${said}`),
    });
    expect(readdirSync(join(folder, "bundles"))).toEqual([]);
    expect((await run()).received).toBe(content.length);
  });

  it("is refused where it is another file, or a part is longer than it", async () => {
    await expect(run("0".repeat(64))).rejects.toMatchObject({ code: "DOWNLOAD" });
    expect(existsSync(path())).toBe(false);
    writeFileSync(`${path()}.part`, Buffer.alloc(content.length + 1));
    expect((await run()).received).toBe(content.length);
  });
});
