import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { messageOf } from "../../../lib/failure.ts";
import { parseVersion } from "../../../lib/release/version.ts";
import { rollback, run } from "../../../updater/commands.ts";
import { readStatus } from "../../../updater/report/publish.ts";
import type { Status } from "../../../updater/report/status.ts";
import { type Build, emptyState, type SlotName, type State } from "../../../updater/state/record.ts";
import { trialOf } from "../../unit/updater/example.ts";
import type { Fault } from "./effects.ts";
import { buildIdOf, type Scene, slotOf } from "./scene.ts";
import { Card } from "./simulated-card.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { Witness } from "./witness.ts";

export const OLD = "v1.0.0";
export const NEW = "v1.1.0";
/** More runs than that, and it does not come to rest. */
const MOST_RUNS = 4;

const build = (tag: string, slot: SlotName): Build => {
  const { text: version, serial } = parseVersion(tag);
  return { buildId: buildIdOf(tag), version, serial, slot };
};

/** How a node begins: with the old release alone, with the new one just activated, or having come to that. */
const beginnings = {
  old: { order: "A", state: { committed: build(OLD, "A") } },
  tried: {
    order: "B A",
    state: {
      committed: build(OLD, "A"),
      trial: { ...trialOf("c", { activatedIn: "boot-0" }), ...build(NEW, "B") },
    },
  },
  new: { order: "B A", state: { committed: build(NEW, "B"), previous: build(OLD, "A") } },
} as const;

export interface Scenario {
  readonly begins: keyof typeof beginnings;
  /** What happens after the first start. */
  readonly play: (node: SimulatedNode, store: Scene) => Promise<unknown>;
  /** What a person does once the node has come to rest, and not to what they wanted. */
  readonly again?: (node: SimulatedNode) => Promise<unknown>;
  readonly bad?: string;
  readonly crashing?: string;
  /** More of update.json. */
  readonly config?: () => object;
  /** What a person is done with. */
  readonly dismissed?: string;
  /** What it comes to: the release that runs and is committed, why the other one failed, and what the status says. */
  readonly ends: string;
  readonly failed?: RegExp;
  readonly says: RegExp;
  /** What was waited for before, as the status said it. */
  readonly waits?: RegExp;
  /** Effects there are at the least. */
  readonly least: number;
}

/** A run of the timer. One that goes wrong, and is not ended itself, says so. */
async function timer(node: SimulatedNode): Promise<boolean> {
  const { starts, fault } = node;
  const done = await node.does(run);
  if (!done && fault?.kind === "error" && node.starts === starts) {
    const status = await readStatus(node.places);
    expect(status, "of a run that went wrong").toMatchObject({
      ...{
        alarm: true,
        reason: expect.stringMatching(/; (the next run tries again|a newer version is waited for)\.$/),
      },
    });
  }
  return done;
}

/** A window that closes while RAUC writes. */
const closing = (): object => {
  const hour = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
  return { window: `${hour(-60)}-${hour(32)} UTC` };
};

export const scenarios: Readonly<Record<string, Scenario>> = {
  "a good release": {
    ...{ begins: "old", play: timer, ends: NEW, least: 60 },
    says: /^v1\.1\.0 runs, and it is what the channel stands at\.$/,
  },
  "a bad release": {
    ...{ begins: "old", play: timer, bad: NEW, ends: OLD, least: 60 },
    failed: /home-pi-health\.service failed: k3s does not run$/,
    says: /^v1\.1\.0 failed here \(.+\); a newer version is waited for\.$/,
  },
  "a release that crashes later": {
    ...{ begins: "tried", play: timer, crashing: NEW, ends: OLD, least: 60 },
    failed: /it passed its gate, and (crashed or lost power 3 times|did not come up again)/,
    says: /^v1\.1\.0 failed here \(.+\); a newer version is waited for\.$/,
  },
  "a release that is withdrawn": {
    play: async (node, store) => {
      await timer(node);
      store.block("1.1.0", "loses its clock");
      await timer(node);
    },
    ...{ begins: "old", config: closing, ends: OLD, least: 50 },
    says: /^v1\.1\.0 is blocked: loses its clock\.$/,
    waits: /^v1\.1\.0 is installed; the restart waits for the update window, open from /,
  },
  "a person who goes back": {
    ...{ begins: "new", play: (node) => node.does(rollback), again: (node) => node.does(rollback) },
    ...{ dismissed: NEW, ends: OLD, failed: /a person went back from it/, least: 40 },
    says: /^v1\.1\.0 failed here \(a person went back from it\); a newer version is waited for\.$/,
  },
};

function cardOf(folder: string, { begins }: Scenario): Card {
  const card = new Card(folder, [OLD, NEW], beginnings[begins].order);
  card.fill("A", slotOf(OLD));
  if (begins === "old") return card;
  card.fill("B", slotOf(NEW));
  card.left.B = 3;
  card.builds.B = buildIdOf(NEW);
  return card;
}

export interface Played {
  readonly node: SimulatedNode;
  readonly runs: string | undefined;
  readonly state: State;
  readonly status: Status | undefined;
  /** What the status said over time. */
  readonly reasons: readonly string[];
}

/**
 * Plays a scenario in a folder of `parent`, disturbed once, and lets the node live on until nothing changes. Fails
 * where a promise is broken on the way.
 */
export async function played(
  scenario: Scenario,
  store: Scene,
  parent: string,
  fault?: Fault,
): Promise<Played> {
  const folder = mkdtempSync(join(parent, "node-"));
  const { files } = store.bench;
  const { bad, crashing, begins } = scenario;
  const config = store.config(scenario.config?.() ?? {});
  const state = { ...emptyState, ...beginnings[begins].state };
  const setting = { folder, config, trusted: store.bench.trusted, state, bad, crashing };
  const witness = new Witness(scenario.dismissed);
  const node = new SimulatedNode(setting, cardOf(folder, scenario), witness, fault);
  try {
    await node.prepare();
    await witness.watch(node);
    await node.up();
    await scenario.play(node, store);
    await rest(node);
    if (scenario.again !== undefined && node.runs !== scenario.ends) {
      const { committed } = await node.state();
      expect(committed?.buildId, "what runs is committed").toBe(buildIdOf(node.runs ?? ""));
      await scenario.again(node);
      await rest(node);
    }
    const { reasons } = witness;
    return {
      ...{ node, runs: node.runs, reasons },
      ...{ state: await node.state(), status: await readStatus(node.places) },
    };
  } catch (error) {
    throw new Error([messageOf(error), ...node.said.slice(-4)].join("\n  "), { cause: error });
  } finally {
    store.bench.files = files;
    rmSync(folder, { recursive: true, force: true });
    vi.restoreAllMocks();
  }
}

async function rest(node: SimulatedNode): Promise<void> {
  const now = async (): Promise<string> => {
    const { lastCheck: _, floors: __, ...state } = await node.state();
    return JSON.stringify([node.card.order, node.card.left, node.starts, state]);
  };
  for (let runs = 0; ; runs += 1) {
    expect(runs, "runs until it comes to rest").toBeLessThan(MOST_RUNS);
    const before = await now();
    const done = await timer(node);
    if (done && (await now()) === before) return;
  }
}
