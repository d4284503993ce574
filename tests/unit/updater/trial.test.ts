import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failed } from "../../../updater/state/failed.ts";
import type { SlotName, State } from "../../../updater/state/record.ts";
import { emptyState } from "../../../updater/state/record.ts";
import { runGate } from "../../../updater/trial/gate.ts";
import {
  type BootFacts,
  committedState,
  type Health,
  judge,
  type Standing,
  standingOf,
} from "../../../updater/trial/judge.ts";
import { committed, idOf, trialOf } from "./example.ts";
import { bootOf, MemoryNode, well } from "./memory-node.ts";

const onTrial: State = { ...committed, trial: trialOf("c", { activatedIn: "boot-1" }) };

describe("what failed", () => {
  const fail = (state: State, serial: number): State =>
    failed(state, { ...trialOf("c"), buildId: serial.toString(16).padStart(64, "0"), serial }, "why", serial);

  it("is remembered, the newest fifty, so that the state stays small for ever", () => {
    const serials = Array.from({ length: 70 }, (_, at) => at + 1);
    const state = serials.reduce(fail, committed);
    expect(state.failed.map(({ serial }) => serial)).toEqual(serials.slice(20));
  });

  it("again is listed once, as the newest", () => {
    const state = [1, 2, 1].reduce(fail, committed);
    expect(state.failed.map(({ serial }) => serial)).toEqual([2, 1]);
  });
});

describe("a card that was flashed anew over kept data", () => {
  it("has no build to go back to", () => {
    const before = { buildId: idOf("e"), version: "1.4.0", serial: 4, slot: "B" } as const;
    const { state } = standingOf({ ...committed, previous: before }, bootOf("f", "A", { flashed: true }));
    expect([state.committed, state.previous]).toEqual([undefined, undefined]);
  });
});

describe("what a boot is", () => {
  const kindOf = (state: State, facts: BootFacts) => standingOf(state, facts).standing.kind;
  it.each<readonly [string, State, BootFacts, Standing["kind"]]>([
    ["the first one", emptyState, bootOf("a", "A"), "first"],
    ["of the committed build", committed, bootOf("a", "A"), "committed"],
    ["of the new build", onTrial, bootOf("c", "B"), "trial"],
    [
      "of the new build, cut off before it was written down",
      { ...committed, trial: trialOf("c", { phase: "installing" }) },
      bootOf("c", "B"),
      "trial",
    ],
    ["of a stranger", committed, bootOf("f", "B"), "return"],
    ["of a stranger again and again", { ...committed, returns: 2 }, bootOf("f", "B"), "stay"],
    ["of a stranger in the committed slot", committed, bootOf("f", "A"), "first"],
    [
      "of a stranger, the other slot overwritten",
      committed,
      bootOf("f", "B", { slotBuilds: { A: idOf("e") } }),
      "first",
    ],
    [
      "of a card that was flashed anew over kept data",
      committed,
      bootOf("f", "A", { flashed: true }),
      "first",
    ],
    ["without data", emptyState, bootOf("a", "A", { dataHolds: false }), "leave"],
    [
      "without data, and no other slot",
      emptyState,
      bootOf("a", "A", { dataHolds: false, other: "bad" }),
      "alone",
    ],
  ])("%s", (_, state, facts, kind) => expect(kindOf(state, facts)).toBe(kind));

  it("records a new build that did not stay", () => {
    const { state } = standingOf(onTrial, bootOf("a", "A"));
    expect(state.trial).toBeUndefined();
    expect(state.failed).toMatchObject([{ buildId: idOf("c"), serial: 6, at: 1_000 }]);
  });

  it.each([
    ["it was only being installed", trialOf("c", { phase: "installing" })],
    ["it was installed and waits", trialOf("c")],
    ["it was made the first to start in this very boot", trialOf("c", { activatedIn: "boot-2" })],
  ])("records nothing where %s", (_, trial) => {
    const { state } = standingOf({ ...committed, trial }, bootOf("a", "A"));
    expect(state).toEqual({ ...committed, trial });
  });
});

describe("whether a build is good", () => {
  const standing: Standing = { kind: "trial", trial: trialOf("c") };
  it.each<readonly [string, Partial<Health>, "good" | "wait" | "bad"]>([
    ["all is well", {}, "good"],
    ["units start", { gate: "pending" }, "wait"],
    ["a gate unit failed", { gate: "home-pi-health.service failed" }, "bad"],
    ["another unit failed", { failedUnits: ["k3s.service"] }, "wait"],
    ["no data", { dataMounted: false }, "bad"],
    ["no time", { timeSynchronized: false }, "wait"],
    ["no channel", { channelProblem: { reason: "no answer", heals: true } }, "wait"],
    ["an image that names no channel", { channelProblem: { reason: "no address", heals: false } }, "bad"],
    ["a check fails", { checks: ["10-k3s ended with 1"] }, "wait"],
  ])("%s", (_, health, kind) => {
    expect(judge(standing, { ...well, ...health }, false).kind).toBe(kind);
    expect(judge(standing, { ...well, ...health }, true).kind).toBe(kind === "good" ? "good" : "bad");
  });

  it("is not held against it what was broken before", () => {
    const before = { failedUnits: ["k3s.service"], timeSynchronized: false, channelReached: false };
    const given: Standing = { kind: "trial", trial: trialOf("c", { before }) };
    const health = {
      ...well,
      failedUnits: ["k3s.service"],
      timeSynchronized: false,
      channelProblem: { reason: "no", heals: false },
    };
    expect(judge(given, health, true).kind).toBe("good");
  });
});

const limits = { deadlineMs: 10_000, pollMs: 1_000, steadyMs: 3_000, checksEndMs: 12_000 };
const k3s = { ...well, failedUnits: ["k3s.service"] };

describe("the gate", () => {
  it("lets a build pass that becomes well in time, and commits it then", async () => {
    const node = new MemoryNode(onTrial, bootOf("c", "B"), [{ ...well, gate: "pending" }, k3s, well]);
    expect(await runGate(node, limits)).toBe(true);
    // Its first start: from here on it is watched.
    expect(node.log).toEqual(["write"]);
    const { standing, state } = standingOf(node.state, node.boot);
    const after = committedState(state, standing, node.boot);
    expect(after.committed).toMatchObject({ buildId: idOf("c"), serial: 6, slot: "B" });
    expect(after.floors.serial).toBe(6);
    expect(after.trial).toBeUndefined();
  });

  it("waits until a build was well for a while, and looks at it again and again", async () => {
    const node = new MemoryNode(onTrial, bootOf("c", "B"), [well, well, k3s, well]);
    expect(await runGate(node, limits)).toBe(true);
    // Well from the fourth look on, at 3 s, for 3 s.
    expect(node.time).toBe(6_000);
  });

  it("sends a build back that comes and goes", async () => {
    const node = new MemoryNode(
      ...[onTrial, bootOf("c", "B"), Array.from({ length: 40 }, (_, at) => (at % 3 === 2 ? k3s : well))],
    );
    expect(await runGate(node, limits)).toBe(false);
    expect(node.log.slice(-3)).toEqual(["use up", "activate A", "reboot"]);
    // It may be well for so long after its time, and no longer.
    expect(node.time).toBeLessThan(limits.deadlineMs + limits.steadyMs);
  });

  it("looks once at a build that is committed", async () => {
    const node = new MemoryNode(committed, bootOf("a", "A"), [well]);
    expect(await runGate(node, limits)).toBe(true);
    expect(node.time).toBe(0);
  });

  it("sends a build back that does not, and remembers it first", async () => {
    const node = new MemoryNode(onTrial, bootOf("c", "B"), [k3s]);
    expect(await runGate(node, limits)).toBe(false);
    expect(node.log).toEqual(["write", "write", "use up", "activate A", "reboot"]);
    expect(node.time).toBe(10_000);
    expect(node.state.failed).toMatchObject([
      {
        buildId: idOf("c"),
        reason: "units fail or do not finish starting that were well before: k3s.service",
      },
    ]);
    expect(node.state.floors.serial).toBe(5);
  });

  it.each([[["write"]], [["use"]], [["activate"]], [["write", "use", "activate"]]])(
    "sends it back with %j broken: unmarked, it uses up its attempts",
    async (broken) => {
      const node = new MemoryNode(onTrial, bootOf("c", "B"), [{ ...well, dataMounted: false }], broken);
      expect(await runGate(node, limits)).toBe(false);
      expect(node.log).toEqual(["write", "write", "use up", "activate A", "reboot"]);
    },
  );

  it("leaves word that a start has to end before nothing else tells, and only of one that does", async () => {
    const leftAt = async (state: State, facts: BootFacts, broken: readonly string[] = []) => {
      const node = new MemoryNode(state, facts, [{ ...well, gate: "ssh.service failed" }], broken);
      await runGate(node, limits).catch(() => undefined);
      return node.leftAt;
    };
    // Of a trial, after this start is written down and before its failure is; else a killed gate leaves a bad build.
    expect(await leftAt(onTrial, bootOf("c", "B"))).toBe(1);
    expect(await leftAt(committed, bootOf("f", "B"))).toBe(1);
    // A way back that cannot be counted is none.
    expect(await leftAt(committed, bootOf("f", "B"), ["write"])).toBeUndefined();
    expect(await leftAt({ ...committed, returns: 2 }, bootOf("f", "B"))).toBeUndefined();
    expect(await leftAt(committed, bootOf("a", "A"))).toBeUndefined();
  });

  it("looks again at a node that does not say how it is, until time is up", async () => {
    const node = new MemoryNode(onTrial, bootOf("c", "B"), [well], ["health"]);
    expect(await runGate(node, limits)).toBe(false);
    expect(node.time).toBe(10_000);
    expect(node.state.failed).toMatchObject([{ reason: "it did not say how it is" }]);
  });

  it("activates the committed slot twice, then stays up", async () => {
    let state = committed;
    const logs: string[][] = [];
    for (let at = 0; at < 3; at += 1) {
      const node = new MemoryNode(state, bootOf("f", "B"), [well]);
      expect(await runGate(node, limits)).toBe(false);
      logs.push(node.log);
      state = node.state;
    }
    const back = ["write", "use up", "activate A", "reboot"];
    const told = expect.stringMatching(
      /^alarm build f+ is neither committed nor on trial, and v1\.5\.0 did not/,
    );
    expect(logs).toEqual([back, back, [told]]);
  });

  it("counts a committed slot that starts and is never marked good as one that did not start", async () => {
    let state = committed;
    const stranger = async (): Promise<string[]> => {
      const node = new MemoryNode(state, bootOf("f", "B"), [well]);
      await runGate(node, limits);
      state = node.state;
      return node.log;
    };
    for (let at = 0; at < 2; at += 1) {
      expect(await stranger()).toContain("activate A");
      const node = new MemoryNode(state, bootOf("a", "A"), [{ ...well, gate: "ssh.service failed" }]);
      expect(await runGate(node, limits)).toBe(false);
      state = node.state;
    }
    expect(await stranger()).toEqual([expect.stringContaining("alarm")]);
    const { standing } = standingOf(state, bootOf("a", "A"));
    expect(committedState(state, standing, bootOf("a", "A")).returns).toBe(0);
  });

  it("without data tries the other slot once, and stays where there is none left", async () => {
    const leaving = new MemoryNode(emptyState, bootOf("c", "B", { dataHolds: false }), [well]);
    expect(await runGate(leaving, limits)).toBe(false);
    expect(leaving.log).toEqual(["use up", "reboot"]);
    const alone = new MemoryNode(emptyState, bootOf("a", "A", { dataHolds: false, other: "bad" }), [well]);
    expect(await runGate(alone, limits)).toBe(true);
    expect(alone.log).toEqual([]);
  });

  it("a committed build whose units fail is not marked, and says so", async () => {
    const node = new MemoryNode(committed, bootOf("a", "A"), [{ ...well, gate: "ssh.service failed" }]);
    expect(await runGate(node, limits)).toBe(false);
    expect(node.log).toEqual(["alarm ssh.service failed"]);
  });

  it("never lets pass what is neither committed nor on trial, nor sends on for ever", async () => {
    const letter = fc.constantFrom("a", "c", "e", "f");
    const any = fc.record({
      running: letter,
      slot: fc.constantFrom<SlotName>("A", "B"),
      committed: letter,
      trial: fc.option(letter, { nil: undefined }),
      phase: fc.constantFrom("installing" as const, "installed" as const),
      returns: fc.integer({ min: 0, max: 3 }),
      good: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(any, async ({ running, slot, committed: id, trial, phase, returns, good }) => {
        const state: State = { ...committed, returns, committed: { buildId: idOf(id), slot: "A" } };
        const given = trial === undefined ? state : { ...state, trial: trialOf(trial, { phase }) };
        const node = new MemoryNode(given, bootOf(running, slot), [good ? well : k3s]);
        const passed = await runGate(node, limits);
        const known = running === id || running === trial;
        // In the committed build's own slot lies another: there is nothing to go back to.
        const replaced = !known && slot === "A";
        if (passed && !known && !replaced) return false;
        return !(node.log.includes("reboot") && running === id);
      }),
    );
  });
});
