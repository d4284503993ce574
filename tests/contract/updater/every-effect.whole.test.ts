import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { messageOf } from "../../../lib/failure.ts";
import { NEW, type Played, played, type Scenario, scenarios } from "./disturbed.ts";
import { buildIdOf, Scene } from "./scene.ts";

/** A fault may cost so many starts. */
const MORE_STARTS = 2;

/** In memory where that can be had: each case syncs a hundred small files. */
const parent = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "every-effect-"));
let store: Scene;
beforeAll(async () => {
  store = await new Scene().start();
  store.release(NEW);
});
afterAll(() => {
  store.stop();
  rmSync(parent, { recursive: true, force: true });
});

/** What the build before says of one whose own reason could not be written down. */
const UNSAID = /did not come up far enough to say why$/;

/** `unwritten`: the state could not be written once. */
function expectEnd(
  { runs, node: { card }, state, status }: Played,
  scenario: Scenario,
  unwritten = false,
): void {
  const { ends, failed, says, waits } = scenario;
  expect([runs, state.committed?.buildId]).toEqual([ends, buildIdOf(ends)]);
  const { trial } = state;
  // Of a release that is blocked before it was noted down as whole, the trial stays until another one takes its place.
  // Its slot is not in the order, or at its end without attempts.
  if (waits === undefined || trial?.phase !== "installing") expect(trial).toBeUndefined();
  else expect(card.left[trial.slot]).toBe(0);
  const first = card.primary ?? "A";
  expect([first, card.left[first]], "what starts next").toEqual([state.committed?.slot, 3]);
  const reasons = state.failed.map(({ version, reason }) => `v${version}: ${reason}`);
  const sources = [failed?.source, ...(unwritten ? [UNSAID.source] : [])];
  const why = new RegExp(`^v1\\.1\\.0: .*(${sources.join("|")})`);
  expect(reasons).toEqual(failed === undefined ? [] : [expect.stringMatching(why)]);
  expect(status?.reason).toMatch(says);
}

const variants = (["cut", "kill", "error"] as const).flatMap((kind) =>
  [false, true].map((done) => ({ kind, done })),
);

/**
 * A cut of the power, the end of the program that runs, and an error, at each effect of the updater, of RAUC and of what
 * starts a node. The switch of the metadata has tests of its own; here it is one with what is written down next.
 */
describe.each(Object.entries(scenarios))("%s", (_, scenario) => {
  let undisturbed: Played | undefined;
  it("comes to its end", async () => {
    undisturbed = await played(scenario, store, parent);
    expectEnd(undisturbed, scenario);
    const { node, reasons } = undisturbed;
    expect(node.effects.seen.length).toBeGreaterThan(scenario.least);
    if (scenario.waits !== undefined) expect(reasons).toContainEqual(expect.stringMatching(scenario.waits));
  });

  it.each(variants)("comes to the same after any $kind, the effect done: $done", async (variant) => {
    const broken: string[] = [];
    for (const [index, { name, asks }] of (undisturbed?.node.effects.seen ?? []).entries()) {
      // Done or not, a question leaves what was; a cut there is one before the next effect.
      if (asks && (variant.kind !== "error" || variant.done)) continue;
      try {
        const end = await played(scenario, store, parent, { ...variant, at: index + 1 });
        expect(end.node.effects.struck, "that it was disturbed").toBe(true);
        expectEnd(end, scenario, variant.kind === "error" && name === "writes the state");
        expect(end.node.starts - (undisturbed?.node.starts ?? 0), "more starts").toBeLessThanOrEqual(
          MORE_STARTS,
        );
      } catch (error) {
        broken.push(`${index + 1}, ${name}: ${messageOf(error)}`);
      }
    }
    expect(broken).toEqual([]);
    expect(undisturbed).toBeDefined();
  });
});
