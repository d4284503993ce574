import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClockFacts, judgeClock } from "../../../updater/clock-gate.ts";

const DAY = 86_400_000;
const NOW = Date.parse("2026-11-20T12:00:00Z");
const secure = (time: number) => ({ name: "pages", time, secure: true });
const silent = { name: "pages", failure: "getaddrinfo ENOTFOUND pages", secure: true };
const plain = (time: number) => ({ name: "the store", time, secure: false });
const judge = (more: Partial<ClockFacts>) =>
  judgeClock({ now: NOW, lastKnownTime: NOW - DAY, synchronized: true, server: secure(NOW), ...more });

describe("the clock of a node without one", () => {
  it.each([
    ["is right", {}, undefined],
    ["is right, and no time server answers for a week", { synchronized: false }, undefined],
    ["says 1970", { now: 60_000 }, "it says 1970-01-01 00:01 UTC, and pages says 2026-11-20 12:00 UTC"],
    ["is 40 days ahead", { now: NOW + 40 * DAY }, "it says 2026-12-30"],
    ["is ten years ahead", { now: NOW + 3653 * DAY }, "it says 2036-11-20"],
    [
      "is ten years ahead, and TLS ends for it",
      { now: NOW + 3653 * DAY, server: silent },
      "pages gives no time to hold it against (getaddrinfo ENOTFOUND pages); it says 2036-11-20",
    ],
    [
      "stepped back to before what was known",
      { lastKnownTime: NOW + 30 * DAY, synchronized: false },
      "has been before",
    ],
    ["stepped back by an hour", { lastKnownTime: NOW + DAY / 24, synchronized: false }, undefined],
    [
      "has nobody to ask",
      { synchronized: false, server: silent },
      "no time server has answered, and pages gives",
    ],
    ["is told over http alone", { synchronized: false, server: plain(NOW) }, "read over http"],
    ["is told over http, and by a time server", { server: plain(NOW) }, undefined],
  ] as const)("%s", (_, facts, problem) => {
    const verdict = judge(facts);
    if (problem === undefined) expect(verdict).toMatchObject({ trusted: true });
    else expect(verdict).toMatchObject({ trusted: false, problem: expect.stringContaining(problem) });
  });

  it("heals a last known time that was far in the future, when two agree", () => {
    expect(judge({ lastKnownTime: NOW + 3653 * DAY })).toEqual({
      trusted: true,
      lastKnownTime: NOW,
      healed: true,
    });
  });

  const facts = fc.record({
    now: fc.integer({ min: 0, max: 2 * NOW }),
    lastKnownTime: fc.integer({ min: 0, max: 2 * NOW }),
    synchronized: fc.boolean(),
    server: fc.oneof(
      fc.record({ name: fc.constant("s"), time: fc.integer({ min: 0, max: 2 * NOW }), secure: fc.boolean() }),
      fc.constant(silent),
    ),
  });

  it("is never trusted a day off the server's, and remembers less only where both agree", () => {
    fc.assert(
      fc.property(facts, (given) => {
        const verdict = judgeClock(given);
        if (!verdict.trusted) return true;
        const near = "time" in given.server && Math.abs(given.now - given.server.time) <= DAY;
        const back = verdict.lastKnownTime < given.lastKnownTime;
        return near && back === verdict.healed && (!back || given.synchronized);
      }),
    );
  });

  it("locks nobody out for ever: whatever is remembered, a right clock with both witnesses is trusted", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8e15 }), (lastKnownTime) => judge({ lastKnownTime }).trusted),
    );
  });
});
