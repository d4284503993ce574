import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MAX_CRASHES, SETTLED_AFTER_MS } from "../../../updater/limits.ts";
import { type State, stateRecord } from "../../../updater/state/record.ts";
import { runGate } from "../../../updater/trial/gate.ts";
import { type BootFacts, committedState, type Standing, standingOf } from "../../../updater/trial/judge.ts";
import { CrashingNode } from "./crashing-node.ts";
import { committed, failedAt, idOf, trialOf } from "./example.ts";
import { bootOf, MemoryNode, well } from "./memory-node.ts";

const a = { buildId: idOf("a"), version: "1.5.0", serial: 5, slot: "A" as const };
const c = { buildId: idOf("c"), version: "1.6.0", serial: 6, slot: "B" as const };
/** Build `c` was committed in boot 1, and has crashed so many times since. */
const settling = (crashes: number, more: Partial<State> = {}): State => ({
  ...committed,
  ...{ previous: a, committed: c, settling: { buildId: c.buildId, bootId: "boot-1", crashes } },
  ...more,
});
const last = MAX_CRASHES - 1;
const newOne = (more: Partial<BootFacts> = {}) => bootOf("c", "B", more);
const oldOne = (more: Partial<BootFacts> = {}) => bootOf("a", "A", { other: "bad", ...more });
const sameBoot = { running: { ...newOne().running, bootId: "boot-1" } };

describe("a new build that has not been up for long", () => {
  it.each<readonly [string, State, BootFacts, Standing["kind"], number | undefined]>([
    ["crashed once", settling(0), newOne(), "committed", 1],
    ["was shut down", settling(1), newOne({ shutDowns: ["boot-0", "boot-1"] }), "committed", 1],
    ["is judged a second time", settling(1), newOne(sameBoot), "committed", 1],
    ["crashed once too often", settling(last), newOne(), "crashed", undefined],
    ["is alone", settling(last, { previous: undefined }), newOne(), "committed", undefined],
    [
      "came after one that a person left",
      settling(last, { failed: [failedAt(5, "a")] }),
      newOne(),
      "committed",
      undefined,
    ],
    [
      "has another in the other slot",
      settling(last),
      newOne({ slotBuilds: { A: idOf("e") } }),
      "committed",
      3,
    ],
    ["went around by the other slot", settling(last), newOne({ other: "bad" }), "crashed", undefined],
    ["finds RAUC silent", settling(last), newOne({ other: "unknown" }), "committed", 3],
    ["crashes on, and finds a way back", settling(5), newOne(), "crashed", undefined],
    ["is trusted", settling(0, { settling: undefined }), newOne(), "committed", undefined],
  ])("and %s", (_, state, facts, kind, crashes) => {
    const judged = standingOf(state, facts);
    expect(judged.standing.kind).toBe(kind);
    expect(judged.state.settling?.crashes).toBe(crashes);
    const { bootId } = facts.running;
    if (crashes !== undefined) expect(judged.state.settling).toMatchObject({ buildId: c.buildId, bootId });
  });

  it("is watched from its first start, and counted anew from its commit", () => {
    const onTrial: State = { ...committed, trial: trialOf("c") };
    const first = standingOf(onTrial, newOne());
    expect(first.state.settling).toEqual({ buildId: c.buildId, bootId: "boot-2", crashes: 0 });
    const running = { ...newOne().running, bootId: "boot-3" };
    const second = standingOf(first.state, newOne({ running }));
    expect(second.state.settling).toEqual({ buildId: c.buildId, bootId: "boot-3", crashes: 1 });
    const after = committedState(second.state, second.standing, newOne({ running }));
    expect(after.settling).toEqual({ buildId: c.buildId, bootId: "boot-3", crashes: 0 });
  });

  it("is given up on trial where it crashes between mark-good and its commit", () => {
    const crashed = { buildId: c.buildId, bootId: "boot-1", crashes: last };
    const { standing, state } = standingOf(
      { ...committed, trial: trialOf("c"), settling: crashed },
      newOne(),
    );
    expect(standing).toMatchObject({ kind: "crashed", to: "A" });
    expect([state.committed, state.trial, state.settling]).toEqual([a, undefined, undefined]);
    expect(state.failed).toMatchObject([{ buildId: c.buildId }]);
  });

  it("is not watched where there is none to go back to", () => {
    const { standing, state } = standingOf(committed, bootOf("f", "A", { flashed: true }));
    expect(committedState(state, standing, bootOf("f", "A")).settling).toBeUndefined();
    const back: State = { ...committed, failed: [failedAt(5, "a")], trial: trialOf("c") };
    const judged = standingOf(back, newOne());
    expect(committedState(judged.state, judged.standing, newOne()).settling).toBeUndefined();
  });
});

it("the image's timer waits for as long as people are told", () => {
  const units = `${import.meta.dirname}/../../../ansible/roles/updater/rootfs/usr/lib/systemd/system`;
  const timer = readFileSync(`${units}/home-pi-update-settled.timer`, "utf8");
  expect(/^OnActiveSec=(\d+)min$/m.exec(timer)?.[1]).toBe(String(SETTLED_AFTER_MS / 60_000));
});

describe("the build before, where it starts instead of a new one", () => {
  it.each<readonly [string, State, BootFacts, Standing["kind"]]>([
    ["that did not come up any more", settling(0), oldOne(), "committed"],
    [
      "that was shut down, and whose next starts ended early",
      settling(0),
      oldOne({ shutDowns: ["boot-1"] }),
      "return",
    ],
    ["that could be started", settling(0), oldOne({ other: "good" }), "return"],
    ["of which RAUC says nothing", settling(0), oldOne({ other: "unknown" }), "return"],
    [
      "that was activated again and again",
      settling(0, { returns: 2 }),
      oldOne({ shutDowns: ["boot-1"] }),
      "committed",
    ],
    ["that is trusted", settling(0, { settling: undefined }), oldOne(), "return"],
    ["and has failed itself", settling(0, { failed: [failedAt(5, "a")] }), oldOne(), "return"],
  ])("%s", (_, state, facts, kind) => {
    const judged = standingOf(state, facts);
    expect(judged.standing.kind).toBe(kind);
    if (kind === "return") return expect(judged.state.failed).toEqual(state.failed);
    const { previous, returns, settling: watched } = judged.state;
    expect(judged.state.committed).toEqual(a);
    expect([previous, returns, watched]).toEqual([undefined, 0, undefined]);
    expect(judged.state.failed).toMatchObject([
      { version: "1.6.0", reason: "it passed its gate, and did not come up again afterwards" },
    ]);
  });

  it("goes back to the new one twice where a shutdown came before, and then no more", async () => {
    const node = new CrashingNode();
    await node.start("shutdown");
    for (let at = 0; at < 30 && node.outcome === undefined; at += 1)
      await node.start("crash before the gate");
    // The build before gave its own attempts away each time: the boot script then begins anew, with the new one.
    expect([node.outcome, node.starts]).toEqual(["old", { a: 3, c: 1 + 3 + 6 + 6 }]);
  });

  it("is gone back to also after it gave its own attempts away", async () => {
    const node = new CrashingNode();
    await node.start("shutdown");
    for (let at = 0; at < 4; at += 1) await node.start("crash before the gate");
    expect(node.starts).toEqual({ a: 1, c: 4 });
    for (let at = 0; at < 30 && node.outcome === undefined; at += 1) await node.start("crash");
    expect([node.outcome, node.starts]).toEqual(["old", { a: 2, c: 4 + MAX_CRASHES + 1 }]);
  });
});

describe("the gate", () => {
  const limits = { deadlineMs: 10_000, pollMs: 1_000, steadyMs: 0, checksEndMs: 12_000 };
  const steps = ["write", "use up", "activate A", "reboot"];

  it("leaves a build that crashed too often, and remembers it first", async () => {
    const node = new MemoryNode(settling(last), newOne(), [well]);
    expect(await runGate(node, limits)).toBe(false);
    expect(node.log).toEqual(steps);
    // What is remembered does not tell any more that this start has to end.
    expect(node.leftAt).toBe(0);
    const { previous, settling: watched, returns } = node.state;
    expect([node.state.committed, previous, watched, returns]).toEqual([a, undefined, undefined, 0]);
    expect(node.state.failed).toMatchObject([
      {
        ...{ buildId: c.buildId, version: "1.6.0", serial: 6 },
        reason: "it passed its gate, and crashed or lost power 3 times before it was up for 15 minutes",
      },
    ]);
    // An updater that knows nothing of all this reads what came of it.
    expect(stateRecord.omit({ settling: true }).parse(node.state)).toMatchObject({ committed: a });
  });

  it.each([[["write"]], [["use"]], [["activate"]], [["write", "use", "activate"]]])(
    "leaves it with %j broken",
    async (broken) => {
      const node = new MemoryNode(settling(last), newOne(), [well], broken);
      expect(await runGate(node, limits)).toBe(false);
      expect(node.log).toEqual(steps);
    },
  );

  it("lets the build before remember the failure where the new one could not write it down", async () => {
    const node = new MemoryNode(settling(last), newOne(), [well], ["write"]);
    await runGate(node, limits);
    const back = new MemoryNode(node.state, oldOne(), [well]);
    expect(await runGate(back, limits)).toBe(true);
    expect(back.state).toMatchObject({ committed: a, failed: [{ buildId: c.buildId }] });
  });

  it("marks a build good whose crash cannot be counted", async () => {
    const node = new MemoryNode(settling(0), newOne(), [well], ["write"]);
    expect(await runGate(node, limits)).toBe(true);
    expect(node.log).toEqual(["write"]);
  });
});
