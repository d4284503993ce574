import { describe, expect, it } from "vitest";
import { parseWindow } from "../../../lib/manifest/client/window.ts";
import { alarm, nothing } from "../../../updater/plan.ts";
import { metricsOf } from "../../../updater/report/metrics.ts";
import {
  type Announced,
  announced,
  expiryWarning,
  firstExpiry,
  lineOf,
  renderStatus,
  statusOf,
} from "../../../updater/report/status.ts";
import { channelOf, committed, facts, idOf, imageOf, NOW } from "./example.ts";

const DAY = 86_400_000;
const inDays = (days: number, more: Partial<Announced> = {}): Announced => ({
  ...{ expires: { part: "timestamp", at: NOW + days * DAY }, blocked: [], waypoints: [] },
  ...more,
});
const quiet = nothing("v1.5.0 runs.");

describe("the countdown of a manifest", () => {
  it.each([
    [30, undefined],
    [14, undefined],
    [13.9, "runs out in 13 days."],
    [1, "runs out in 1 day."],
    [0.5, "runs out in 0 days."],
    [0, "ran out on 2026-11-20 12:00 UTC: no update comes until it is renewed."],
  ])("%s days before: %s", (days, text) => {
    const warning = expiryWarning(statusOf(committed, quiet, facts, inDays(days)), NOW);
    if (text === undefined) expect(warning).toBeUndefined();
    else expect(warning).toContain(text);
  });

  it.each([
    ["paused", { ...committed, paused: true }, facts],
    ["off", committed, { ...facts, policy: { mode: "off", window: undefined } as const }],
  ])("is not said where updates are %s: nobody looks, and it may be renewed", (_, state, of) => {
    const status = statusOf(state, quiet, of, inDays(-5));
    expect(expiryWarning(status, NOW)).toBeUndefined();
    expect(metricsOf(status)).not.toContain("expiry");
  });

  it("is that of the part that runs out first", () => {
    const [soon, late] = ["2026-11-21T00:00:00Z", "2027-11-21T00:00:00Z"];
    const expires = { root: late, targets: soon, snapshot: late, timestamp: late };
    expect(firstExpiry(expires)).toEqual({ part: "targets", at: Date.parse(soon) });
  });
});

describe("what a status says", () => {
  const failed = [
    { buildId: idOf("e"), version: "1.4.9", serial: 4, reason: "k3s did not start", at: NOW - DAY },
  ];
  const plan = alarm('v1.6.0 is "odd".', { available: imageOf(6, "c") });
  const blocked = [{ version: "1.5.5", reason: "loses its clock" }];
  const told = inDays(5, { blocked, waypoints: ["1.6.0"] });
  const policy = { mode: "auto", window: parseWindow("02:00-05:00 Europe/London") } as const;
  const since = { ...committed, failed, lastCheck: NOW - 2 * 3_600_000 };
  const status = statusOf(since, plan, { ...facts, policy }, told);

  it("to people", () => {
    expect(renderStatus(status, NOW, "Fri 2026-11-20 18:12:00 UTC").split("\n")).toEqual([
      "running      v1.5.0 (build aaaaaaaaaaaa), slot A, committed",
      "intended     v1.6.0",
      "last failed  v1.4.9: k3s did not start",
      "last check   2026-11-20 10:00 UTC, 2 h ago",
      'next         ALARM: v1.6.0 is "odd".',
      "next check   Fri 2026-11-20 18:12:00 UTC",
      "policy       auto, channel stable, restarts 02:00-05:00 Europe/London",
      "blocked      v1.5.5 (loses its clock)",
      "waypoints    v1.6.0",
      "manifest     The manifest's timestamp runs out in 5 days. No update comes after that; what runs is not touched.",
      "",
    ]);
  });

  it("to people, where there is nothing to keep from it and it may restart at any time", () => {
    const shown = renderStatus(statusOf({ ...committed, paused: true }, quiet, facts, inDays(50)), NOW);
    expect(shown).toContain("policy       auto, channel stable, restarts at any time, paused\n");
    expect(shown).not.toMatch(/^(blocked|waypoints)/m);
  });

  it("of a manifest, what is about this image", () => {
    const of = (id: string, version: string) => ({
      id,
      version,
      reason: "why",
      since: "2026-11-19T00:00:00Z",
    });
    const image = { ...imageOf(6, "c"), waypoints: [1_002_000_999] };
    const document = channelOf(image, {
      blocked: [of("*", "1.2.0"), of("agent-rpi-arm64", "1.3.0"), of("server-rpi-arm64", "1.4.0")],
    });
    const at = "2027-11-21T00:00:00Z";
    const expires = { root: at, targets: at, snapshot: at, timestamp: at };
    expect(announced(document, "agent-rpi-arm64", expires)).toMatchObject({
      blocked: [
        { version: "1.2.0", reason: "why" },
        { version: "1.3.0", reason: "why" },
      ],
      waypoints: ["1.2.0"],
    });
  });

  it("in one line only where a person should know", () => {
    expect(lineOf(status, NOW)).toBe('update    v1.6.0 is "odd".');
    expect(lineOf(statusOf(committed, quiet, facts, inDays(5)), NOW)).toContain("runs out in 5 days");
    expect(lineOf(statusOf(committed, quiet, facts, inDays(50)), NOW)).toBeUndefined();
  });

  it("to node_exporter, every line a comment or a sample", () => {
    const lines = metricsOf(status).trim().split("\n");
    for (const line of lines) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"\n]*",?)+\})? \d+)$/);
    }
    expect(lines).toContain('home_pi_update_running{build="aaaaaaaaaaaa",version="1.5.0",slot="A"} 1');
    expect(lines).toContain("home_pi_update_alarm 1");
  });
});
