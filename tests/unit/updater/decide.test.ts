import { describe, expect, it } from "vitest";
import { parseWindow } from "../../../lib/manifest/client/window.ts";
import { decide, type Facts, type Reading } from "../../../updater/decide.ts";
import { DAY_MS } from "../../../updater/limits.ts";
import type { Plan } from "../../../updater/plan.ts";
import type { State } from "../../../updater/state/record.ts";
import { channelOf, committed, facts, failedAt, idOf, imageOf, NOW, readingOf, trialOf } from "./example.ts";

const newer = imageOf(6, "c");
const night = parseWindow("02:00-05:00 Europe/London");

type Row = readonly [string, Partial<State>, Reading | undefined, Partial<Facts>, Plan["kind"], string];

const rows: readonly Row[] = [
  ["the first boot", { committed: undefined }, undefined, {}, "nothing", "has not passed its gate"],
  [
    "the first boot, marked good",
    { committed: undefined },
    undefined,
    { passed: true },
    "nothing",
    "written down",
  ],
  [
    "the first boot, data lost",
    { committed: undefined },
    undefined,
    { dataProblem: "it is lost" },
    "nothing",
    "lost",
  ],
  ["time to look", {}, undefined, {}, "poll", "time to look"],
  ["a newer version", {}, readingOf(newer), {}, "install", "v1.6.0 is newer than v1.5.0."],
  ["the same build", {}, readingOf(imageOf(6, "a")), {}, "nothing", "v1.6.0 runs"],
  ["an older version", {}, readingOf(imageOf(4, "c")), {}, "nothing", "older than what this node has run"],
  ["two of one serial", {}, readingOf(imageOf(5, "c")), {}, "nothing", "has the serial of the running build"],
  [
    "an older one that was asked for",
    { wish: { version: "1.4.0", older: true } },
    { kind: "read", channel: channelOf(newer), wished: imageOf(4, "c") },
    {},
    "install",
    "v1.4.0",
  ],
  [
    "an older one that was asked for without saying so",
    { wish: { version: "1.4.0", older: false } },
    { kind: "read", channel: channelOf(newer), wished: imageOf(4, "c") },
    {},
    "nothing",
    "--older",
  ],
  [
    "a wish nobody knows",
    { wish: { version: "9.9.9", older: false } },
    readingOf(newer),
    {},
    "nothing",
    "v9.9.9",
  ],
  [
    "one that failed",
    { failed: [failedAt(6, "c")] },
    readingOf(newer),
    {},
    "nothing",
    "failed here (k3s did not start)",
  ],
  [
    "one before that failed",
    { failed: [failedAt(7, "e")] },
    readingOf(newer),
    {},
    "nothing",
    "v1.7.0 failed here",
  ],
  [
    "one after that failed",
    { failed: [failedAt(6, "c")] },
    readingOf(imageOf(7, "e")),
    {},
    "install",
    "v1.7.0",
  ],
  [
    "a blocked one",
    {},
    readingOf(newer, {
      blocked: [{ version: "1.6.0", id: "*", reason: "loses its clock", since: "2026-11-19T00:00:00Z" }],
    }),
    {},
    "nothing",
    "blocked: loses its clock",
  ],
  [
    "one blocked for others",
    {},
    readingOf(newer, {
      blocked: [{ version: "1.6.0", id: "server-rpi-arm64", reason: "x", since: "2026-11-19T00:00:00Z" }],
    }),
    {},
    "install",
    "",
  ],
  [
    "another kind of node",
    {},
    readingOf(imageOf(6, "c", { compatible: "home-server-rpi-arm64" })),
    {},
    "nothing",
    "made for",
  ],
  [
    "no image",
    {},
    { kind: "read", channel: { ...channelOf(newer), images: {} } },
    {},
    "nothing",
    "has no image",
  ],
  ["a slot too small", {}, readingOf(newer), { slotBytes: 999_999 }, "nothing", "the slot holds 999999"],
  ["mode off", {}, undefined, { policy: { mode: "off", window: undefined } }, "nothing", "Updates are off"],
  [
    "mode ask",
    {},
    readingOf(newer),
    { policy: { mode: "ask", window: undefined } },
    "nothing",
    "node-update accept",
  ],
  [
    "mode ask, accepted",
    { accepted: 6 },
    readingOf(newer),
    { policy: { mode: "ask", window: undefined } },
    "install",
    "",
  ],
  [
    "mode ask, another accepted",
    { accepted: 5 },
    readingOf(newer),
    { policy: { mode: "ask", window: undefined } },
    "nothing",
    "accept",
  ],
  [
    "a closed window",
    {},
    readingOf(newer),
    { policy: { mode: "auto", window: night } },
    "nothing",
    "open from 2026-11-21 02:00 UTC",
  ],
  ["paused", { paused: true }, undefined, {}, "nothing", "paused"],
  [
    "paused, and somebody looked",
    { paused: true },
    readingOf(newer),
    {},
    "nothing",
    "v1.6.0 is there; updates are",
  ],
  [
    "paused, asked for",
    { paused: true, wish: { version: "1.6.0", older: false } },
    readingOf(newer),
    {},
    "install",
    "",
  ],
  ["a wrong clock", {}, undefined, { clockProblem: "it says 1970" }, "nothing", "it says 1970"],
  ["no data", {}, undefined, { dataProblem: "it is in memory only" }, "nothing", "in memory only"],
  [
    "an unreadable channel",
    {},
    { kind: "problem", reason: "No network.", alarm: false },
    {},
    "nothing",
    "No network.",
  ],
  [
    "on trial",
    { trial: trialOf("c") },
    undefined,
    { running: { ...facts.running, buildId: idOf("c"), slot: "B" } },
    "nothing",
    "on trial",
  ],
  [
    "a stranger",
    {},
    undefined,
    { running: { ...facts.running, buildId: idOf("f") } },
    "nothing",
    "neither committed nor on trial",
  ],
  [
    "an installation that was cut off",
    { trial: trialOf("c", { phase: "installing" }) },
    readingOf(newer),
    {},
    "install",
    "",
  ],
];

describe("what a node does next", () => {
  it.each(rows)("%s", (_, state, reading, more, kind, reason) => {
    const plan = decide({ ...committed, ...state } as State, reading, { ...facts, ...more });
    expect(plan.kind).toBe(kind);
    expect(plan.reason).toContain(reason);
  });

  it.each([
    ["no network", { kind: "problem", reason: "No network.", alarm: false } as const, {}],
    ["a clock nobody can vouch for", undefined, { clockProblem: "no server answered" }],
  ])("%s is for a person to look at after three days", (_, reading, more) => {
    const alarms = [2, 4].map((days) => {
      const plan = decide({ ...committed, lastCheck: NOW - days * DAY_MS }, reading, { ...facts, ...more });
      return plan.kind === "nothing" && plan.alarm;
    });
    expect(alarms).toEqual([false, true]);
  });

  it.each([
    ["was never read", {}],
    ["was read later than the clock says", { lastCheck: NOW + 400 * DAY_MS }],
  ])("that %s is for a person to look at once the node was up for three days", (_, more) => {
    const alarms = [2, 4].map((days) => {
      const unread = { ...facts, upMs: days * DAY_MS, clockProblem: "it says 1970" };
      const plan = decide({ ...committed, ...more }, undefined, unread);
      return plan.kind === "nothing" && plan.alarm;
    });
    expect(alarms).toEqual([false, true]);
  });
});
