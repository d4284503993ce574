import { describe, expect, it } from "vitest";
import { parseWindow } from "../../../lib/manifest/client/window.ts";
import { decide, type Facts, type Reading } from "../../../updater/decide.ts";
import type { Plan } from "../../../updater/plan.ts";
import type { State } from "../../../updater/state/record.ts";
import { committed, facts, imageOf, readingOf, trialOf } from "./example.ts";

const newer = imageOf(6, "c");
const night = parseWindow("02:00-05:00 Europe/London");
const atNight: Partial<Facts> = { policy: { mode: "auto", window: night } };
const blockOf = (version: string, id = "*") => [
  { version, id, reason: "loses its clock.", since: "2026-11-19T00:00:00Z" },
];
const blockedSince = (id?: string): Reading => readingOf(newer, { blocked: blockOf("1.6.0", id) });
/** What ran before, and a person goes back to. */
const back = trialOf("c", { asked: true });

type Row = readonly [string, Partial<State>, Reading | undefined, Partial<Facts>, Plan["kind"], string];

const asked = (version: string) => ({ wish: { version, older: false } });

const rows: readonly Row[] = [
  [
    "installed, paused, and asked for now",
    { trial: trialOf("c"), paused: true, ...asked("1.6.0") },
    readingOf(newer),
    {},
    "restart",
    "is to be tried",
  ],
  [
    "installed, window closed, and asked for now",
    { trial: trialOf("c"), ...asked("1.6.0") },
    readingOf(newer),
    atNight,
    "restart",
    "is to be tried",
  ],
  [
    "installed, and another one asked for",
    { trial: trialOf("c"), ...asked("1.7.0") },
    { ...readingOf(newer), wished: imageOf(7, "d") } as Reading,
    {},
    "install",
    "v1.7.0 is newer",
  ],
  [
    "installed, and a version asked for that the manifest does not name",
    { trial: trialOf("c"), ...asked("1.8.0") },
    readingOf(newer),
    {},
    "nothing",
    "does not name it",
  ],
  [
    "installed, and the same build asked for by another version",
    { trial: trialOf("d"), ...asked("1.7.0") },
    { ...readingOf(newer), wished: imageOf(7, "d") } as Reading,
    {},
    "restart",
    "is to be tried",
  ],
  [
    "a pending restart, paused",
    { trial: trialOf("c"), paused: true },
    undefined,
    {},
    "nothing",
    "are paused",
  ],
  [
    "a pending restart, off",
    { trial: trialOf("c") },
    undefined,
    { policy: { mode: "off", window: undefined } },
    "nothing",
    "updates are off",
  ],
  [
    "a pending restart a person asked for, paused",
    { trial: trialOf("c", { asked: true }), paused: true },
    undefined,
    {},
    "restart",
    "is to be tried",
  ],
  ["installed", { trial: trialOf("c") }, undefined, {}, "poll", "before it is started"],
  ["installed, and looked up", { trial: trialOf("c") }, readingOf(newer), {}, "restart", "to be tried"],
  [
    "installed, an unreadable channel",
    { trial: trialOf("c") },
    { kind: "problem", reason: "It is wrong.", alarm: true },
    {},
    "restart",
    "",
  ],
  ["installed, a wrong clock", { trial: trialOf("c") }, undefined, { clockProblem: "1970" }, "restart", ""],
  ["installed, no data", { trial: trialOf("c") }, undefined, { dataProblem: "it is full" }, "restart", ""],
  [
    "installed, window closed",
    { trial: trialOf("c") },
    readingOf(newer),
    atNight,
    "nothing",
    "restart waits",
  ],
  [
    "installed and asked for, window closed",
    { trial: trialOf("c", { asked: true }) },
    readingOf(newer),
    atNight,
    "restart",
    "",
  ],
  [
    "installed and blocked since",
    { trial: trialOf("c") },
    blockedSince(),
    {},
    "withdraw",
    "v1.6.0 is installed and blocked since: loses its clock; it is not started.",
  ],
  [
    "installed and blocked since, the channel at another version",
    { trial: trialOf("c") },
    readingOf(imageOf(7, "e"), { blocked: blockOf("1.6.0", "agent-rpi-arm64") }),
    {},
    "withdraw",
    "v1.6.0",
  ],
  [
    "installed and blocked for others",
    { trial: trialOf("c") },
    blockedSince("server-rpi-arm64"),
    {},
    "restart",
    "",
  ],
  [
    "installed and blocked since, window closed",
    { trial: trialOf("c") },
    blockedSince(),
    atNight,
    "withdraw",
    "",
  ],
  [
    "installed and blocked since, asked for",
    { trial: trialOf("c", { asked: true }) },
    blockedSince(),
    {},
    "withdraw",
    "",
  ],
  [
    "installed and blocked since, paused: nobody looks",
    { trial: trialOf("c"), paused: true },
    blockedSince(),
    {},
    "nothing",
    "are paused",
  ],
  [
    "installed, paused, and something is wished",
    { trial: trialOf("c"), paused: true, wish: { version: "1.7.0", older: false } },
    undefined,
    {},
    "poll",
    "",
  ],
  [
    "installed and blocked since, paused, and something is wished",
    { trial: trialOf("c"), paused: true, wish: { version: "1.7.0", older: false } },
    blockedSince(),
    {},
    "withdraw",
    "",
  ],
  ["gone back to", { trial: back, previous: back }, undefined, {}, "restart", ""],
  ["gone back to, and blocked", { trial: back, previous: back }, blockedSince(), {}, "restart", ""],
  [
    "waited since an earlier start, and looked up",
    { trial: trialOf("c", { activatedIn: undefined }) },
    readingOf(newer),
    { running: { ...facts.running, bootId: "boot-9" } },
    "restart",
    "to be tried",
  ],
  [
    "activated, and blocked before the restart",
    { trial: trialOf("c", { activatedIn: "boot-1" }) },
    blockedSince(),
    {},
    "withdraw",
    "blocked since",
  ],
  [
    "came back from a trial",
    { trial: trialOf("c", { activatedIn: "boot-0" }) },
    undefined,
    {},
    "nothing",
    "did not stay",
  ],
];

describe("a build that is installed and was not started yet", () => {
  it.each(rows)("%s", (_, state, reading, more, kind, reason) => {
    const plan = decide({ ...committed, ...state } as State, reading, { ...facts, ...more });
    expect(plan.kind).toBe(kind);
    expect(plan.reason).toContain(reason);
  });
});
