import { describe, expect, it } from "vitest";
import type { ChannelImage } from "../../../lib/manifest/channel.ts";
import { parseWindow } from "../../../lib/manifest/client/window.ts";
import { findStone } from "../../../updater/channel/stones.ts";
import { decide, type Facts } from "../../../updater/decide.ts";
import { announcedIn, statusOf } from "../../../updater/report/status.ts";
import type { State } from "../../../updater/state/record.ts";
import { committedState } from "../../../updater/trial/judge.ts";
import type { Stone } from "../../../updater/waypoints.ts";
import { channelOf, committed, facts, failedAt, idOf, imageOf, trialOf } from "./example.ts";

/** v1.9.0, for which v1.7.0 has to run first. */
const target = imageOf(9, "c", { waypoints: [5, 7] });
const before = imageOf(7, "e");
const stone: Stone = { kind: "image", image: before };
const ask = { mode: "ask", window: undefined } as const;
const night = parseWindow("02:00-05:00 Europe/London");
const blocked = (version: string) => [
  { version, id: "*", reason: "loses data", since: "2026-11-19T00:00:00Z" },
];

interface Case {
  readonly state?: Partial<State>;
  readonly stone?: Stone | undefined;
  readonly passed?: number;
  readonly wished?: ChannelImage;
  readonly blocked?: string;
  readonly facts?: Partial<Facts>;
}

function planOf(one: Case) {
  const channel = channelOf(target, one.blocked === undefined ? {} : { blocked: blocked(one.blocked) });
  const { wished, passed } = one;
  const reading = {
    kind: "read",
    channel,
    wished,
    passed,
    stone: "stone" in one ? one.stone : stone,
  } as const;
  const state = { ...committed, ...one.state } as State;
  const plan = decide(state, reading, { ...facts, ...one.facts });
  return { plan, status: statusOf(state, plan, facts, announcedIn(undefined)) };
}

describe("a version that is installed from a waypoint on", () => {
  const first = "v1.7.0 has to be installed before v1.9.0";
  it.each<readonly [string, Case, "install" | "nothing" | "alarm", string]>([
    ["takes it first", {}, "install", "v1.7.0 is installed first: v1.9.0 can only be installed from it on."],
    [
      "is taken where it is passed",
      { stone: undefined, passed: 7 },
      "install",
      "v1.9.0 is newer than v1.5.0.",
    ],
    [
      "is taken where it was run",
      {
        stone: undefined,
        state: { committed: { buildId: idOf("a"), version: "1.7.0", serial: 7, slot: "A" } },
      },
      "install",
      "v1.9.0 is newer than v1.7.0.",
    ],
    ["waits where nobody looked for it", { stone: undefined }, "alarm", "was not looked for"],
    [
      "waits where it is missing",
      { stone: { kind: "missing", version: "1.7.0", why: "its release cannot be found or read" } },
      "alarm",
      `${first}, and its release cannot be found or read.`,
    ],
    ["waits where it is blocked", { blocked: "1.7.0" }, "alarm", `${first}, and is blocked: loses data.`],
    [
      "waits where it failed here",
      { state: { failed: [failedAt(7, "e")] } },
      "alarm",
      `${first}, and failed here (k3s did not start): node-update install --version 1.7.0 --retry tries it once more.`,
    ],
    [
      "takes it where a later version failed here",
      { state: { failed: [failedAt(8, "f")] } },
      "install",
      "v1.7.0",
    ],
    [
      "waits where it is older than what has run",
      { state: { floors: { ...committed.floors, serial: 8 } } },
      "alarm",
      `${first}, and is older than what this node has run: node-update install --version 1.7.0 --older installs it.`,
    ],
    [
      "waits where it is too large",
      { stone: { kind: "image", image: imageOf(7, "e", { slot: { bytes: 2 ** 32, sha256: idOf("d") } }) } },
      "alarm",
      `${first}, and has 4294967296 bytes, and the slot holds`,
    ],
    [
      "waits where it is made for others",
      { stone: { kind: "image", image: imageOf(7, "e", { compatible: "home-server-rpi-arm64" }) } },
      "alarm",
      `${first}, and is made for home-server-rpi-arm64`,
    ],
    [
      "waits where it has waypoints of its own",
      { stone: { kind: "image", image: imageOf(7, "e", { waypoints: [6] }) } },
      "alarm",
      `${first}, and waypoints of its own come before it.`,
    ],
    ["does not take it where itself is blocked", { blocked: "1.9.0" }, "nothing", "v1.9.0 is blocked"],
    [
      "does not take it where itself failed",
      { state: { failed: [failedAt(9, "c")] } },
      "alarm",
      "v1.9.0 failed here",
    ],
    [
      "asks for both",
      { facts: { policy: ask } },
      "nothing",
      "v1.9.0 is there, and v1.7.0 comes first; node-update accept installs both.",
    ],
    [
      "takes it where itself is accepted",
      { state: { accepted: 9 }, facts: { policy: ask } },
      "install",
      "v1.7.0",
    ],
    [
      "asks where only it is accepted",
      { state: { accepted: 7 }, facts: { policy: ask } },
      "nothing",
      "accept",
    ],
    [
      "waits for the window with it",
      { facts: { policy: { mode: "auto", window: night } } },
      "nothing",
      "v1.7.0, which has to be installed before v1.9.0, waits for the update window, open from",
    ],
    [
      "says what a person has to name first",
      { state: { wish: { version: "1.9.0", older: false } } },
      "alarm",
      `${first}: node-update install --version 1.7.0 does that.`,
    ],
    [
      "may be passed on the way back",
      {
        state: { wish: { version: "1.4.0", older: true } },
        wished: imageOf(4, "f", { waypoints: [2] }),
        stone: undefined,
      },
      "install",
      "v1.4.0",
    ],
  ])("%s", (_, one, kind, reason) => {
    const { plan } = planOf(one);
    expect(plan.kind === "nothing" && plan.alarm ? "alarm" : plan.kind).toBe(kind);
    expect(plan.reason).toContain(reason);
  });

  it("is what is available, and its waypoint what is to run next", () => {
    for (const one of [{}, { facts: { policy: ask } }]) {
      expect(planOf(one).status).toMatchObject({ available: { version: "1.9.0" }, intended: "v1.7.0" });
    }
    expect(planOf({ blocked: "1.7.0" }).status).toMatchObject({
      available: { version: "1.9.0" },
      intended: "v1.9.0",
    });
  });

  it("stays accepted until it runs itself", () => {
    const boot = { running: { ...facts.running, bootId: "boot-2" }, slotBuilds: {}, dataHolds: true };
    const after = (serial: number) => {
      const trial = trialOf("c", { serial });
      const more = { other: "good", shutDowns: [], flashed: false, now: 1 } as const;
      return committedState(
        { ...committed, accepted: 9, trial },
        { kind: "trial", trial },
        { ...boot, ...more },
      );
    };
    expect(after(7).accepted).toBe(9);
    expect(after(9)).not.toHaveProperty("accepted");
    expect(after(10)).not.toHaveProperty("accepted");
  });
});

describe("the way to a version", () => {
  /** v2.0.0: from v1.4.0 and v1.6.0 on. */
  const serialOf = (minor: number): number => 1_000_000_999 + minor * 1_000_000;
  const image = (minor: number, letter: string, waypoints: readonly number[] = []): ChannelImage =>
    imageOf(serialOf(minor), letter, { version: `1.${minor}.0`, waypoints: waypoints.map(serialOf) });
  const goal = image(20, "c", [4, 6]);
  const of = (minor: number | undefined) =>
    minor === undefined ? { buildId: idOf("a") } : { buildId: idOf("a"), serial: serialOf(minor) };
  /** What was asked for, and what came of it. */
  async function wayOf(
    from: number | undefined,
    releases: Readonly<Record<string, ChannelImage>>,
    { to = goal, sure = true } = {},
  ) {
    const asked: string[] = [];
    const imageOf = async (version: string) => {
      asked.push(version);
      return releases[version];
    };
    return { ...(await findStone(to, of(from), imageOf, sure)), asked };
  }
  const both = { "1.4.0": image(4, "d"), "1.6.0": image(6, "e", [4]) };

  it("leads over the lowest waypoint ahead, one after the other", async () => {
    expect(await wayOf(3, both)).toMatchObject({ stone: { image: { version: "1.4.0" } }, asked: ["1.4.0"] });
    expect(await wayOf(4, both)).toMatchObject({ stone: { image: { version: "1.6.0" } }, asked: ["1.6.0"] });
    expect(await wayOf(6, both)).toEqual({ stone: undefined, passed: serialOf(6), asked: [] });
    expect(await wayOf(3, {}, { to: image(20, "c") })).toMatchObject({ stone: undefined, asked: [] });
  });

  it("passes releases into which the committed build, or an older one, was carried over", async () => {
    const carried = { ...both, "1.4.0": image(3, "a") };
    expect(await wayOf(3, carried)).toMatchObject({
      stone: { image: { version: "1.6.0" } },
      passed: serialOf(4),
    });
    const all = { "1.4.0": image(2, "f"), "1.6.0": image(2, "f") };
    expect(await wayOf(3, all)).toEqual({ stone: undefined, passed: serialOf(6), asked: ["1.4.0", "1.6.0"] });
    // What is there instead was made for an earlier version, and is ahead all the same.
    const older = { ...both, "1.4.0": image(3, "f") };
    expect(await wayOf(2, older)).toMatchObject({ stone: { image: { version: "1.3.0" } } });
  });

  it("leads over the waypoints of a waypoint", async () => {
    const chained = { "1.6.0": image(6, "e", [4]), "1.4.0": image(4, "d", [3]), "1.3.0": image(3, "f") };
    const to = image(20, "c", [6]);
    expect(await wayOf(2, chained, { to })).toMatchObject({
      stone: { image: { version: "1.3.0" } },
      asked: ["1.6.0", "1.4.0", "1.3.0"],
    });
    expect(await wayOf(4, chained, { to })).toMatchObject({ stone: { image: { version: "1.6.0" } } });
  });

  it("ends where a release cannot be had, or holds what it cannot hold", async () => {
    const missing = { kind: "missing", version: "1.4.0", why: "its release cannot be found or read" };
    expect(await wayOf(3, {})).toMatchObject({ stone: missing });
    expect(await wayOf(3, { "1.4.0": image(5, "d") })).toMatchObject({ stone: missing });
    expect(await wayOf(5, { "1.4.0": image(4, "d") })).toMatchObject({
      stone: { ...missing, version: "1.6.0" },
    });
  });

  it("begins with the oldest for a build in no release, and nowhere for one that may be in some", async () => {
    expect(await wayOf(undefined, both)).toMatchObject({ stone: { image: { version: "1.4.0" } } });
    expect(await wayOf(undefined, both, { sure: false })).toMatchObject({
      stone: { kind: "missing", version: "1.4.0", why: expect.stringContaining("which one runs here") },
    });
    const own = { "1.4.0": image(4, "a"), "1.6.0": image(6, "e") };
    expect(await wayOf(undefined, own)).toMatchObject({
      stone: { image: { version: "1.6.0" } },
      passed: serialOf(4),
    });
  });

  it("takes what an older manifest says for a waypoint", async () => {
    const to = imageOf(serialOf(20), "c", { minFrom: serialOf(4) });
    expect(await wayOf(3, both, { to })).toMatchObject({ stone: { image: { version: "1.4.0" } } });
  });
});
