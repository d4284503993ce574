import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_CRASHES } from "../../../updater/limits.ts";
import { CrashingNode, crashes, type End } from "./crashing-node.ts";
import { idOf } from "./example.ts";

/** Attempts the boot script gives a slot: so many starts are seen by no gate, or are marked good. */
const ATTEMPTS = 3;
/** Of a build that crashes as late as it can: before its commit, and after it. */
const MOST_STARTS = 2 * MAX_CRASHES * ATTEMPTS;

const anyCrash = fc.constantFrom(...crashes);
const anyEnd = fc.record({
  end: fc.oneof(anyCrash, fc.constantFrom<End>("shutdown before the gate", "shutdown")),
  both: fc.boolean(),
  broken: fc.subarray(["write", "use", "activate"]),
});

async function follow(node: CrashingNode, ends: readonly End[]): Promise<CrashingNode> {
  for (const end of ends) if (node.outcome === undefined) await node.start(end);
  return node;
}

describe("a new build, whatever ends its starts", () => {
  it("is left after some crashes, and remembered as failed", () =>
    fc.assert(
      fc.asyncProperty(fc.infiniteStream(anyCrash), async (ends) => {
        const node = await follow(new CrashingNode(), [...ends.take(MOST_STARTS + 1)]);
        expect(node.outcome).toBe("old");
        expect(node.starts.c).toBeLessThanOrEqual(MOST_STARTS);
        expect(node.starts.a).toBe(1);
        expect(node.state.committed?.buildId).toBe(idOf("a"));
        expect(node.state.previous).toBeUndefined();
        expect(node.activatedWell).toBe(true);
      }),
      { numRuns: 1_000 },
    ));

  it("is left as late as that at the latest", async () => {
    const unseen: End[] = ["crash before the gate", "crash before the gate"];
    const ends: End[] = [
      ...[...unseen, "crash before the commit" as const],
      ...[...unseen, "crash before the commit" as const],
      ...Array.from({ length: 4 }, (): End[] => [...unseen, "crash"]).flat(),
      "crash",
    ];
    const node = await follow(new CrashingNode(), ends);
    expect([node.outcome, node.starts]).toEqual(["old", { a: 1, c: MOST_STARTS }]);
  });

  it("is trusted once it was up for long, or is left: nothing goes on for ever", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(anyEnd, { maxLength: 12 }),
        fc.infiniteStream(fc.oneof({ weight: 9, arbitrary: anyCrash }, fc.constant<End>("up for long"))),
        async (before, after) => {
          const node = new CrashingNode();
          for (const { end, both, broken } of before) {
            if (node.outcome === undefined) await node.start(end, { both, broken });
          }
          await follow(node, [...after.take(2 * MOST_STARTS)]);
          expect(node.outcome).toBeDefined();
          expect(node.activatedWell).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    ));

  it("is never left because a person restarts it, however often", () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 20 }), async (times) => {
        const ends = Array.from({ length: times }, (): End => "shutdown");
        const node = await follow(new CrashingNode(), [...ends, "up for long"]);
        expect([node.outcome, node.starts]).toEqual(["new", { a: 0, c: times + 1 }]);
      }),
    ));
});
