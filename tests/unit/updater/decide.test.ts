import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Facts, type Reading } from "../../../updater/decide.ts";
import type { Plan } from "../../../updater/plan.ts";
import { emptyState, type State } from "../../../updater/state/record.ts";
import { parseWindow } from "../../../updater/window.ts";
import { channelOf, committed, facts, idOf, imageOf, readingOf, trialOf } from "./example.ts";

const newer = imageOf(6, "c");
const failedAt = (serial: number, letter: string): State["failed"][number] => ({
  ...{ buildId: idOf(letter), version: `1.${serial}.0`, serial, reason: "k3s did not start.", at: 1 },
});
const night = parseWindow("02:00-05:00 Europe/London");

type Row = readonly [string, Partial<State>, Reading | undefined, Partial<Facts>, Plan["kind"], string];

const rows: readonly Row[] = [
  ["the first boot", { committed: undefined }, undefined, {}, "nothing", "has not passed its gate"],
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
    "a waypoint that is missing",
    {},
    readingOf(imageOf(9, "c", { minFrom: 7 })),
    {},
    "nothing",
    "in between first",
  ],
  ["a waypoint that was passed", {}, readingOf(imageOf(9, "c", { minFrom: 5 })), {}, "install", ""],
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
  ["installed", { trial: trialOf("c") }, undefined, {}, "restart", "to be tried"],
  [
    "installed, window closed",
    { trial: trialOf("c") },
    undefined,
    { policy: { mode: "auto", window: night } },
    "nothing",
    "restart waits",
  ],
  [
    "installed and asked for, window closed",
    { trial: trialOf("c", { asked: true }) },
    undefined,
    { policy: { mode: "auto", window: night } },
    "restart",
    "",
  ],
  [
    "came back from a trial",
    { trial: trialOf("c", { bootId: "boot-0" }) },
    undefined,
    {},
    "nothing",
    "did not stay",
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
});

const letter = fc.constantFrom("a", "c", "e", "f");
/** Mostly the committed one: what does not run it, has little to decide. */
const usual = fc.oneof({ weight: 5, arbitrary: fc.constant("a") }, { weight: 1, arbitrary: letter });
const serial = fc.integer({ min: 1, max: 9 });
const image = fc
  .record({ serial, letter, minFrom: fc.option(serial, { nil: undefined }) })
  .map(({ serial, letter, minFrom }) => imageOf(serial, letter, minFrom === undefined ? {} : { minFrom }));
const trial = fc
  .record({
    letter,
    phase: fc.constantFrom("installing", "installed"),
    asked: fc.boolean(),
    bootId: fc.constantFrom("boot-0", "boot-1"),
  })
  .map(({ letter, ...more }) => trialOf(letter, more as Parameters<typeof trialOf>[1]));
const anyState: fc.Arbitrary<State> = fc
  .record({
    committed: fc.option(fc.record({ buildId: usual.map(idOf), serial, slot: fc.constant("A" as const) }), {
      nil: undefined,
    }),
    trial: fc.option(trial, { nil: undefined, freq: 2 }),
    floor: serial,
    failed: fc.array(
      fc.record({ serial, letter }).map(({ serial, letter }) => failedAt(serial, letter)),
      { maxLength: 3 },
    ),
    paused: fc.boolean(),
    accepted: fc.option(serial, { nil: undefined }),
    wish: fc.option(fc.record({ version: serial.map((n) => `1.${n}.0`), older: fc.boolean() }), {
      nil: undefined,
    }),
  })
  .map(
    ({ floor, ...state }) =>
      ({ ...emptyState, ...state, floors: { ...emptyState.floors, serial: floor } }) as State,
  );
const anyReading: fc.Arbitrary<Reading | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant({ kind: "problem", reason: "No network.", alarm: false } as const),
  fc
    .record({ image, wished: fc.option(image, { nil: undefined }) })
    .map(({ image, wished }) => ({ kind: "read", channel: channelOf(image), wished }) as const),
);
const anyFacts: fc.Arbitrary<Facts> = fc
  .record({
    letter: usual,
    mode: fc.constantFrom("auto" as const, "ask" as const, "off" as const),
    window: fc.constantFrom(undefined, night),
    problems: fc.constantFrom({}, {}, {}, { dataProblem: "full" }, { clockProblem: "1970" }),
    now: fc.integer({ min: facts.now, max: facts.now + 86_400_000 }),
  })
  .map(({ letter, mode, window, problems, now }) => ({
    ...{ ...facts, ...problems, now },
    running: { ...facts.running, buildId: idOf(letter) },
    policy: { mode, window },
  }));
const always = (holds: (state: State, reading: Reading | undefined, facts: Facts, plan: Plan) => boolean) =>
  fc.assert(
    fc.property(anyState, anyReading, anyFacts, (state, reading, facts) => {
      return holds(state, reading, facts, decide(state, reading, facts));
    }),
    { numRuns: 1_000 },
  );

describe("whatever its state, a channel and the world are", () => {
  it("installs now and then, polls now and then, restarts now and then", () => {
    const seen = new Set<string>();
    always((_, __, ___, plan) => seen.add(plan.kind).size > 0);
    expect([...seen].sort()).toEqual(["install", "nothing", "poll", "restart"]);
  });

  it("never installs, polls or restarts while uncommitted", () =>
    always(
      (state, _, { running }, { kind }) => kind === "nothing" || state.committed?.buildId === running.buildId,
    ));

  it("never goes below the floor unless a person asked for an older one", () =>
    always(
      (state, _, __, plan) =>
        plan.kind !== "install" || plan.image.serial >= state.floors.serial || state.wish?.older === true,
    ));

  it("never tries again what failed", () =>
    always(
      (state, _, __, plan) =>
        plan.kind !== "install" || !state.failed.some(({ buildId }) => buildId === plan.image.buildId),
    ));

  it("never installs what runs", () =>
    always((_, __, { running }, plan) => plan.kind !== "install" || plan.image.buildId !== running.buildId));

  it("never jumps over a waypoint", () =>
    always(
      (state, _, __, plan) =>
        plan.kind !== "install" || (plan.image.minFrom ?? 0) <= (state.committed?.serial ?? 0),
    ));

  it("does nothing by itself where updates are off, paused, or without clock or data", () =>
    always((state, _, { policy, clockProblem, dataProblem }, { kind }) => {
      const quiet = (policy.mode === "off" || state.paused) && state.wish === undefined;
      if (!quiet && clockProblem === undefined && dataProblem === undefined) return true;
      return kind === "nothing" || kind === "restart";
    }));

  it("restarts by itself only in the window", () =>
    always((state, _, { policy, now }, { kind }) => {
      if (kind !== "restart" || policy.window === undefined || state.trial?.asked === true) return true;
      const hour = new Date(now).getUTCHours();
      return hour >= 2 && hour < 5;
    }));

  it("says why in one sentence", () => always((_, __, ___, { reason }) => /^[^\n]+\.$/.test(reason)));
});
