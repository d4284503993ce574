import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { waypointsTo } from "../../../lib/manifest/client/waypoints.ts";
import { parseWindow } from "../../../lib/manifest/client/window.ts";
import { decide, type Facts, type Reading } from "../../../updater/decide.ts";
import type { Plan } from "../../../updater/plan.ts";
import { emptyState, type State } from "../../../updater/state/record.ts";
import type { Stone } from "../../../updater/waypoints.ts";
import { channelOf, facts, failedAt, idOf, imageOf, trialOf } from "./example.ts";

const night = parseWindow("02:00-05:00 Europe/London");

const letter = fc.constantFrom("a", "c", "e", "f");
/** Mostly the committed one: what does not run it, has little to decide. */
const usual = fc.oneof({ weight: 5, arbitrary: fc.constant("a") }, { weight: 1, arbitrary: letter });
const serial = fc.integer({ min: 1, max: 9 });
const image = fc
  .record({ serial, letter, waypoints: fc.uniqueArray(serial, { maxLength: 3 }) })
  .map(({ serial, letter, waypoints }) => {
    const before = waypoints.filter((one) => one < serial).sort((a, b) => a - b);
    return imageOf(serial, letter, before.length === 0 ? {} : { waypoints: before });
  });
const stone: fc.Arbitrary<Stone> = fc.oneof(
  { weight: 3, arbitrary: image.map((image) => ({ kind: "image", image }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "missing", version: "1.4.0", why: "it is gone" } as const) },
);
const trial = fc
  .record({
    letter,
    phase: fc.constantFrom("installing", "installed"),
    asked: fc.boolean(),
    activatedIn: fc.constantFrom(undefined, "boot-0", "boot-1"),
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
    .record({
      ...{ image, wished: fc.option(image, { nil: undefined }), stone: fc.option(stone, { nil: undefined }) },
      passed: fc.option(serial, { nil: undefined }),
      blocked: fc.subarray(["1.6.0", "1.7.0", "1.8.0"], { maxLength: 1 }),
    })
    .map(({ image, blocked, ...more }) => {
      const since = "2026-11-19T00:00:00Z";
      const blocks = blocked.map((version) => ({ version, id: "*", reason: "it is bad", since }));
      return { kind: "read", channel: channelOf(image, { blocked: blocks }), ...more } as const;
    }),
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
const always = (
  holds: (state: State, reading: Reading | undefined, facts: Facts, plan: Plan) => boolean,
  more: { readonly numRuns?: number; readonly seed?: number } = {},
) =>
  fc.assert(
    fc.property(anyState, anyReading, anyFacts, (state, reading, facts) => {
      return holds(state, reading, facts, decide(state, reading, facts));
    }),
    { numRuns: 1_000, ...more },
  );

describe("whatever its state, a channel and the world are", () => {
  it("does each thing now and then", () => {
    const seen = new Set<string>();
    // Not by chance: an install takes a state, a channel and a night that go together.
    always((_, __, ___, plan) => seen.add(plan.kind).size > 0, { numRuns: 10_000, seed: 7 });
    expect([...seen].sort()).toEqual(["install", "nothing", "poll", "restart", "withdraw"]);
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

  /** What was carried over into a waypoint's release is passed with the committed build. */
  const goesByWaypoints = (state: State, reading: Reading | undefined, plan: Plan): boolean => {
    if (plan.kind !== "install" || reading?.kind !== "read") return true;
    const reached = Math.max(state.committed?.serial ?? 0, reading.passed ?? 0);
    return waypointsTo(plan.image).every((serial) => serial <= reached);
  };

  it("never jumps over a waypoint", () => {
    always((state, reading, _, plan) => goesByWaypoints(state, reading, plan));
    // Of all states few are on their way; of these many are.
    const from = { buildId: idOf("a"), serial: 2, slot: "A" } as const;
    const onTheWay = fc
      .record({ paused: fc.constant(false), accepted: fc.option(serial, { nil: undefined }) })
      .map((more) => ({ ...emptyState, committed: from, ...more }));
    let stones = 0;
    const passing = fc.property(onTheWay, anyReading, anyFacts, (state, reading, facts) => {
      const plan = decide(state, reading, facts);
      if (plan.kind === "install" && plan.image !== plan.target) stones += 1;
      return goesByWaypoints(state, reading, plan);
    });
    fc.assert(passing, { numRuns: 10_000, seed: 7 });
    expect(stones).toBeGreaterThan(0);
  });

  it("goes by a waypoint by itself only: who names a version gets that one or none", () =>
    always(
      (state, _, __, plan) =>
        plan.kind !== "install" ||
        state.wish?.version === undefined ||
        state.wish.version === plan.image.version,
    ));

  it("does nothing by itself where updates are off, paused, or without clock or data", () =>
    always((state, _, { policy, clockProblem, dataProblem }, { kind }) => {
      const quiet = (policy.mode === "off" || state.paused) && state.wish === undefined;
      if (quiet) return kind === "nothing" || (kind === "restart" && state.trial?.asked === true);
      if (clockProblem === undefined && dataProblem === undefined) return true;
      return kind === "nothing" || kind === "restart";
    }));

  it("neither installs nor starts what it finds blocked", () =>
    always((state, reading, { clockProblem, dataProblem }, plan) => {
      if (reading?.kind !== "read") return true;
      const version = plan.kind === "install" ? plan.image.version : state.trial?.version;
      const blocked = reading.channel.blocked.some((one) => one.version === version);
      if (plan.kind === "withdraw") return blocked;
      // A person's own restart does not wait for a channel that is not looked at.
      const unseen = clockProblem !== undefined || dataProblem !== undefined || state.trial?.asked === true;
      return !blocked || (plan.kind === "restart" ? unseen : plan.kind !== "install");
    }));

  it("restarts by itself only in the window", () =>
    always((state, _, { policy, now }, { kind }) => {
      const asked = state.trial?.asked === true || state.wish !== undefined;
      if (kind !== "restart" || policy.window === undefined || asked) return true;
      const hour = new Date(now).getUTCHours();
      return hour >= 2 && hour < 5;
    }));

  it("says why in one sentence", () => always((_, __, ___, { reason }) => /^[^\n]+\.$/.test(reason)));
});
