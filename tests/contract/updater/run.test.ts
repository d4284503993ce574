import { rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clock } from "../../../lib/external/clock.ts";
import { installWish, pause } from "../../../updater/commands.ts";
import { placesOf } from "../../../updater/places.ts";
import { status } from "../../../updater/report/current.ts";
import { runUpdater, stateFileOf, type UpdaterNode } from "../../../updater/run.ts";
import { emptyState, type State, type Trial } from "../../../updater/state/record.ts";
import { gateNode } from "../../../updater/trial/node.ts";
import { trialOf } from "../../unit/updater/example.ts";
import { FakeRauc, fakeProcesses } from "./install-scene.ts";
import { buildIdOf, Scene, slotOf } from "./scene.ts";

/** A RAUC that says what the node remembered when it was told which slot starts next. */
class WatchedRauc extends FakeRauc {
  remembered: () => Promise<State> = async () => emptyState;
  readonly seen: (Trial | undefined)[] = [];
  override async call(method: string, signature?: string, args: readonly string[] = []) {
    if (method === "Mark") this.seen.push((await this.remembered()).trial);
    return super.call(method, signature, args);
  }
}

let scene: Scene;
let rauc: WatchedRauc;
let node: UpdaterNode;
let log: string[];
beforeEach(async () => {
  scene = await new Scene().start();
  rauc = new WatchedRauc(join(scene.folder, "slot-B"));
  log = [];
  const processes = fakeProcesses(() => true, log);
  const world = { processes, clock, signal: new AbortController().signal };
  node = { world, places: placesOf(scene.root), bus: rauc, say: () => undefined };
  rauc.remembered = stateOf;
  await remember({});
});
afterEach(() => scene.stop());

const stateOf = async (): Promise<State> => (await stateFileOf(node).read()).state;
const remember = (more: Partial<State>) =>
  stateFileOf(node).change((state) => ({
    ...{ ...state, committed: { buildId: buildIdOf("v1.0.0"), slot: "A" as const } },
    ...more,
  }));
const run = () => runUpdater(node, { act: true, timeWaitMs: 0 });
const reboots = () => log.filter((line) => line === "systemctl reboot").length;
const marked = () => rauc.calls.filter((call) => call.startsWith("Mark"));
const looks = () => scene.asked.filter((path) => path === "manifest/timestamp.json").length;
/** A window that is not open now. */
const closed = (): string => {
  const hour = (hours: number) => `${String((new Date().getUTCHours() + hours) % 24).padStart(2, "0")}:00`;
  return `${hour(3)}-${hour(4)} UTC`;
};

describe("a release that is installed and waits", () => {
  const waiting = trialOf("c", { buildId: buildIdOf("v1.1.0"), version: "1.1.0", serial: 1_001_000_999 });
  beforeEach(async () => {
    scene.release("v1.1.0");
    await remember({ trial: waiting });
  });

  it("is withdrawn where it was blocked since: the boot order first, then what is remembered", async () => {
    scene.put("etc/home-pi/update.json", scene.config({ window: closed() }));
    expect(await run()).toMatchObject({
      plan: "nothing",
      reason: expect.stringContaining("the restart waits"),
    });
    expect(marked()).toEqual([]);
    scene.block("1.1.0", "loses its clock");
    const reason = "v1.1.0 is installed and blocked since: loses its clock; it is not started.";
    expect(await run()).toMatchObject({ plan: "withdraw", reason, alarm: false, intended: undefined });
    expect(marked()).toEqual(["Mark active booted"]);
    expect(rauc.seen).toMatchObject([{ version: "1.1.0" }]);
    const { trial, failed, committed } = await stateOf();
    expect([trial, failed, committed?.version]).toEqual([undefined, [], "1.0.0"]);
    expect(await status(node)).toMatchObject({ plan: "withdraw", reason });
    expect(await run()).toMatchObject({ plan: "nothing", reason: "v1.1.0 is blocked: loses its clock." });
    expect([reboots(), marked().length]).toEqual([0, 1]);
  });

  it("is withdrawn by the next run where RAUC did not answer", async () => {
    scene.block("1.1.0", "loses its clock");
    rauc.silent.add("Mark");
    await expect(run()).rejects.toThrow("Mark: no answer");
    expect((await stateOf()).trial).toMatchObject({ phase: "installed" });
    expect(await status(node)).toMatchObject({
      ...{ alarm: true, reason: "Mark: no answer; the next run tries again." },
    });
    rauc.silent.delete("Mark");
    expect(await run()).toMatchObject({ plan: "withdraw" });
    expect([(await stateOf()).trial, reboots()]).toEqual([undefined, 0]);
  });

  it("is not called tried where RAUC did not make it the first to start", async () => {
    rauc.silent.add("Mark");
    await expect(run()).rejects.toThrow("Mark: no answer");
    const { trial } = await stateOf();
    expect([trial?.phase, trial?.activatedIn, reboots()]).toEqual(["installed", undefined, 0]);
  });

  it.each([undefined, "1.1.0"])(
    "is started at once by who asks for it, paused or not: %s",
    async (version) => {
      await pause(node, true);
      scene.put("etc/home-pi/update.json", scene.config({ window: closed() }));
      expect(await installWish(node, { version, older: false, retry: false })).toMatchObject({
        plan: "restart",
      });
      expect([marked(), reboots()]).toEqual([["Mark active other"], 1]);
    },
  );

  it("waits on over restarts", async () => {
    await pause(node, true);
    scene.put("proc/sys/kernel/random/boot_id", "boot-9");
    await pause(node, false);
    expect(await run()).toMatchObject({ plan: "restart" });
    expect(reboots()).toBe(1);
  });

  it("is only said to be withdrawn by who looks", async () => {
    scene.block("1.1.0", "loses its clock");
    expect(await runUpdater(node, { act: false, timeWaitMs: 0 })).toMatchObject({ plan: "withdraw" });
    expect([marked(), (await stateOf()).trial?.phase]).toEqual([[], "installed"]);
  });

  it.each([
    ["where it is not blocked", () => undefined],
    [
      "where no server answers",
      () => scene.put("etc/home-pi/update.json", scene.config({ address: "http://127.0.0.1:9/manifest/" })),
    ],
    [
      "where there is no address any more",
      () => scene.put("etc/home-pi/update.json", { channel: "stable", mode: "auto" }),
    ],
    [
      "where the manifest is of somebody else",
      () => scene.put("usr/share/home-pi/root.json", JSON.stringify({ signed: {}, signatures: [] })),
    ],
    ["where the image's root is gone", () => rmSync(join(scene.root, "usr/share/home-pi/root.json"))],
  ])("is started %s", async (_, change) => {
    change();
    expect(await run()).toMatchObject({ plan: "restart", reason: "v1.1.0 is installed and is to be tried." });
    expect([reboots(), marked()]).toEqual([1, ["Mark active other"]]);
    const bootId = await readFile(node.places.bootId, "utf8");
    expect((await stateOf()).trial?.activatedIn).toBe(bootId.trim());
  });

  it("is neither looked up nor started while updates are paused, and says so no longer than that", async () => {
    scene.block("1.1.0", "loses its clock");
    expect(await pause(node, true)).toMatchObject({ reason: expect.stringContaining("updates are paused") });
    await run();
    expect([looks(), reboots(), marked()]).toEqual([0, 0, []]);
    expect(await pause(node, false)).toMatchObject({ plan: "poll", paused: false });
    expect(await run()).toMatchObject({ plan: "withdraw" });
  });
});

describe("a release that is there while nothing is installed by itself", () => {
  const quiet = [
    [
      "paused",
      () => pause(node, true),
      "v1.1.0 is there; updates are paused: node-update pause --off ends that.",
    ],
    [
      "off",
      () => scene.put("etc/home-pi/update.json", scene.config({ mode: "off" })),
      "v1.1.0 is there; updates are off in cluster.yaml (update.mode).",
    ],
  ] as const;

  it.each(quiet)("is shown to who looks, and to nobody else: %s", async (_, hold, reason) => {
    scene.release("v1.1.0");
    await hold();
    await run();
    expect(looks()).toBe(0);
    const seen = await runUpdater(node, { act: false, timeWaitMs: 0 });
    expect(seen).toMatchObject({ plan: "nothing", reason, intended: "v1.1.0", alarm: false });
    expect([(await stateOf()).trial, reboots()]).toEqual([undefined, 0]);
  });

  it.each(quiet)("is installed by who asks for what there is: %s", async (_, hold) => {
    scene.release("v1.1.0");
    rauc.installs = () => {
      writeFileSync(rauc.device, slotOf("v1.1.0"));
      return "";
    };
    await hold();
    await installWish(node, { version: undefined, older: false, retry: false });
    expect(reboots()).toBe(1);
    expect((await stateOf()).trial).toMatchObject({ version: "1.1.0", phase: "installed" });
  });
});

describe("a gate that looks for minutes", () => {
  it("forgets nothing that was said of updates meanwhile", async () => {
    const gate = gateNode(node);
    const before = await gate.readState();
    await pause(node, true);
    await gate.writeState({ ...before, returns: 1 });
    expect(await stateOf()).toMatchObject({ paused: true, returns: 1 });
  });
});

describe("a release that was installed a moment ago", () => {
  it("is started by what the channel said before: it is looked at once", async () => {
    scene.release("v1.1.0");
    rauc.installs = () => {
      writeFileSync(rauc.device, slotOf("v1.1.0"));
      return "";
    };
    await run();
    // Once for the time, once for what it says.
    expect([reboots(), looks()]).toEqual([1, 2]);
    expect((await stateOf()).trial).toMatchObject({ version: "1.1.0", phase: "installed" });
  });
});

describe("a release that is installed from a waypoint on", () => {
  const check = () => runUpdater(node, { act: false, timeWaitMs: 0 });
  const takes = (tag: string) => {
    rauc.installs = () => {
      writeFileSync(rauc.device, slotOf(tag));
      return "";
    };
  };

  it("waits until that ran, and comes then", async () => {
    scene.release("v1.4.0");
    scene.release("v1.5.0");
    scene.release("v2.0.0", { waypoints: ["v1.4.0"] });
    takes("v1.4.0");
    expect(await check()).toMatchObject({
      reason: "v1.4.0 is installed first: v2.0.0 can only be installed from it on.",
      available: { version: "2.0.0" },
      intended: "v1.4.0",
    });
    await run();
    expect((await stateOf()).trial).toMatchObject({ version: "1.4.0", phase: "installed", asked: false });
    const { trial: _, ...rest } = await stateOf();
    await stateFileOf(node).write(rest);
    const build = { cluster: "home", profile: "agent", board: "rpi-arm64", buildId: buildIdOf("v1.4.0") };
    scene.put("usr/lib/home-pi/build.json", build);
    await remember({ committed: { buildId: buildIdOf("v1.4.0"), slot: "A" } });
    expect(await check()).toMatchObject({ reason: "v2.0.0 is newer than v1.4.0.", intended: "v2.0.0" });
  });

  it("comes at once where the waypoint carried over what runs", async () => {
    scene.release("v1.4.0", { carriedFrom: "v1.0.0" });
    scene.release("v2.0.0", { waypoints: ["v1.4.0"] });
    expect(await check()).toMatchObject({ reason: "v2.0.0 is newer than v1.0.0." });
  });

  it("waits for a person where no such release is known", async () => {
    scene.release("v2.0.0", { waypoints: ["v1.4.0"] });
    expect(await check()).toMatchObject({
      reason: "v1.4.0 has to be installed before v2.0.0, and its release cannot be found or read.",
      alarm: true,
    });
  });

  it("is named by a person one by one; without a version the next step is taken", async () => {
    scene.release("v1.4.0");
    scene.release("v2.0.0", { waypoints: ["v1.4.0"] });
    const wish = { older: false, retry: false };
    expect(await installWish(node, { ...wish, version: "2.0.0" })).toMatchObject({
      reason: "v1.4.0 has to be installed before v2.0.0: node-update install --version 1.4.0 does that.",
      alarm: true,
    });
    takes("v1.4.0");
    await installWish(node, { ...wish, version: undefined });
    expect((await stateOf()).trial).toMatchObject({ version: "1.4.0", asked: true });
  });
});
