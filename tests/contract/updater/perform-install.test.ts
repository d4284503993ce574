import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UpdaterError } from "../../../updater/failure.ts";
import { MAX_FAILED_STREAMS, MAX_INSTALL_ATTEMPTS } from "../../../updater/limits.ts";
import { committed, idOf, trialOf } from "../../unit/updater/example.ts";
import { InstallScene } from "./install-scene.ts";

let scene: InstallScene;
beforeEach(async () => {
  scene = await new InstallScene().start();
});
afterEach(() => scene.stop());
const order = () => scene.log.filter((line) => line.startsWith("fw_setenv"));
const marked = () => scene.rauc.calls.filter((call) => call.startsWith("Mark"));

describe("a slot that RAUC has written", () => {
  it("is installed once it reads back as it should, and the last that is started", async () => {
    expect(await scene.run()).toMatchObject({ streamed: true });
    const { trial } = await scene.state();
    expect([trial?.phase, trial?.activatedIn]).toEqual(["installed", undefined]);
    expect([marked(), order()]).toEqual([[], ["fw_setenv BOOT_ORDER A B"]]);
  });

  it("is in no order where the card cannot read it", async () => {
    // The kernel answers a read of its first byte with EIO, as a worn card does.
    scene.rauc.device = "/proc/self/mem";
    await expect(scene.run()).rejects.toMatchObject({
      code: "READ_BACK",
      message: expect.stringContaining("/proc/self/mem cannot be read back"),
      cause: { code: "EIO" },
    });
    expect([marked(), order()]).toEqual([[], []]);
    expect((await scene.state()).trial).toMatchObject({ phase: "installing" });
  });

  it("is in no order where RAUC no longer says which it is", async () => {
    scene.rauc.silent.add("GetSlotStatus");
    await expect(scene.run()).rejects.toMatchObject({ code: "READ_BACK", cause: expect.anything() });
    expect([marked(), order()]).toEqual([[], []]);
  });
});

describe("a stream that cannot begin", () => {
  const listening = () => process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;

  it("leaves no proxy behind, and counts as a failed one", async () => {
    const before = listening();
    scene.udevHolds = false;
    await expect(scene.run()).rejects.toMatchObject({ message: "udev's queue could not be held" });
    expect(listening()).toBe(before);
    expect((await scene.state()).streams).toEqual({ serial: 6, failed: 1 });
    expect(scene.rauc.calls.filter((call) => call.startsWith("InstallBundle"))).toEqual([]);
  });
});

describe("the build in the other slot", () => {
  const previous = { buildId: idOf("9"), version: "1.4.0", serial: 4, slot: "B" as const };
  const known = async () => (await scene.state()).previous;
  beforeEach(() => scene.stateFile.write({ ...committed, previous }));

  it("is forgotten before RAUC is told to write over it", async () => {
    let seen: unknown = "not asked";
    scene.rauc.installs = async () => {
      seen = await known();
      return "";
    };
    await scene.run();
    expect(seen).toBeUndefined();
    expect(await known()).toBeUndefined();
  });

  it("is kept where RAUC was not even asked", async () => {
    scene.udevHolds = false;
    await expect(scene.run()).rejects.toThrow("udev's queue");
    expect(await known()).toEqual(previous);
    scene.udevHolds = true;
    scene.rauc.running = true;
    await expect(scene.run()).rejects.toMatchObject({ code: "BUSY" });
    expect(await known()).toEqual(previous);
    await scene.stateFile.change((state) => ({
      ...state,
      streams: { serial: 6, failed: MAX_FAILED_STREAMS },
    }));
    scene.rauc.running = false;
    scene.server.fault = "captive portal";
    await expect(scene.run()).rejects.toMatchObject({ code: "STREAM" });
    expect(await known()).toEqual(previous);
    expect(scene.rauc.calls).not.toContainEqual(expect.stringMatching(/^InstallBundle/));
  });

  it.each([
    ["unknown to RAUC", ""],
    ["known to RAUC", previous.buildId],
  ])("is kept where RAUC ended before it wrote: %s", async (_, buildId) => {
    scene.rauc.buildId = buildId;
    scene.rauc.installs = () => "Failed to stream bundle";
    await expect(scene.run()).rejects.toMatchObject({ code: "RAUC" });
    expect(await known()).toEqual(previous);
  });

  it.each([
    ["has marked its slot bad", { bootStatus: "bad" }],
    ["has written another", { buildId: idOf("c") }],
    ["still works", { running: true }],
    ["does not answer", { silent: new Set(["GetSlotStatus"]) }],
  ])("stays forgotten where RAUC %s", async (_, then) => {
    scene.rauc.installs = () => {
      Object.assign(scene.rauc, then);
      if ("running" in then) throw new UpdaterError("BUSY", "RAUC is busy with another installation");
      return "Failed to write";
    };
    await expect(scene.run()).rejects.toBeInstanceOf(UpdaterError);
    expect(await known()).toBeUndefined();
  });
});

describe("downloaded bundles", () => {
  const places = () => scene.places;
  const rauc = () => scene.rauc;
  const kept = () => (existsSync(places().bundles) ? readdirSync(places().bundles) : []);
  const leave = (...names: string[]): void => {
    mkdirSync(places().bundles, { recursive: true });
    for (const name of names) writeFileSync(join(places().bundles, name), "x");
  };
  const download = { streams: { serial: 6, failed: MAX_FAILED_STREAMS } };
  const others = [`${"e".repeat(64)}.raucb`, `${"f".repeat(64)}.raucb.part`];

  it("are used by the next run where RAUC could not take them, and go when it could", async () => {
    await scene.stateFile.change((state) => ({ ...state, ...download }));
    rauc().installs = () => "Failed to mount";
    await expect(scene.run()).rejects.toMatchObject({ code: "RAUC" });
    expect(kept()).toEqual([basename(scene.bundle)]);
    const asked = scene.server.asked.length;
    expect(asked).toBeGreaterThan(0);
    rauc().installs = () => "";
    expect(await scene.run()).toEqual({ receivedBytes: 0, streamed: false });
    expect(scene.server.asked).toHaveLength(asked);
    expect(kept()).toEqual([]);
  });

  it.each([
    ["streamed", {}, 0],
    ["downloaded", download, 1],
  ])("of other releases are gone before one is %s", async (_, streams, own) => {
    await scene.stateFile.change((state) => ({ ...state, ...streams }));
    leave(...others);
    let seen: readonly string[] = others;
    rauc().installs = () => {
      seen = kept();
      return "";
    };
    await scene.run();
    expect(seen).toEqual([basename(scene.bundle)].slice(0, own));
  });

  it("that find no room on data do not use up the attempts of a release", async () => {
    await scene.stateFile.change((state) => ({ ...state, ...download }));
    for (let runs = 0; runs <= MAX_INSTALL_ATTEMPTS; runs += 1) {
      leave();
      symlinkSync("/dev/full", `${scene.bundle}.part`);
      await expect(scene.run(), `run ${runs}`).rejects.toMatchObject({ code: "SPACE" });
    }
    expect(await scene.run()).toMatchObject({ streamed: false });
  });

  it("are gone when a release is streamed after all", async () => {
    leave(basename(scene.bundle));
    await scene.run();
    expect(kept()).toEqual([]);
  });

  it("are gone when a release is given up", async () => {
    const trial = trialOf("c", { phase: "installing", attempts: MAX_INSTALL_ATTEMPTS });
    await scene.stateFile.write({ ...committed, trial });
    leave(basename(scene.bundle), ...others);
    await expect(scene.run()).rejects.toMatchObject({ message: expect.stringContaining("5 times") });
    expect(kept()).toEqual([]);
  });
});
