import { messageOf } from "../../lib/failure.ts";
import { trial as limits } from "../limits.ts";
import { failed } from "../state/failed.ts";
import { nameOf, otherSlot, type SlotName, type State } from "../state/record.ts";
import { type BootFacts, type Health, judge, type Standing, standingOf } from "./judge.ts";

/** What the gate touches of a node. */
export interface GateNode {
  readState(): Promise<State>;
  writeState(state: State): Promise<void>;
  facts(): Promise<BootFacts>;
  health(standing: Standing): Promise<Health>;
  activate(slot: SlotName): Promise<void>;
  /**
   * Takes the running slot's attempts away: it is started no more while the other one can be, and RAUC calls it bad.
   * Unlike RAUC's own mark it stays in the order, as the last resort where the other slot does not start any more.
   */
  useUp(): Promise<void>;
  reboot(): Promise<void>;
  say(line: string): void;
  /** Milliseconds by a clock nobody sets: a time server must not end a build's time. */
  elapsed(): number;
  sleep(ms: number): Promise<void>;
}

export type GateLimits = Pick<{ readonly [name in keyof typeof limits]: number }, "deadlineMs" | "pollMs">;

/**
 * Stands before mark-good on every boot. True: the slot may be marked good. False: it must not be; then the node
 * restarts into the slot it should run, or stays up where there is none. What failed is written down first, so that
 * a cut at any moment tries no failed build again.
 */
export async function runGate(node: GateNode, options: GateLimits = limits): Promise<boolean> {
  const started = node.elapsed();
  const facts = await node.facts();
  const before = await node.readState();
  const { standing, state } = standingOf(before, facts);
  if (facts.dataHolds && JSON.stringify(state) !== JSON.stringify(before)) await node.writeState(state);
  if ("reason" in standing) node.say(standing.reason);
  for (;;) {
    const lost = standing.kind === "return" || standing.kind === "leave" || standing.kind === "stay";
    const look = lost ? undefined : await lookAt(node, standing);
    const timeIsUp = node.elapsed() - started >= options.deadlineMs;
    const verdict =
      look === undefined ? { kind: "bad" as const, reason: "" } : judge(standing, look, timeIsUp);
    if (verdict.kind === "good") return true;
    if (verdict.kind === "wait") {
      await node.sleep(options.pollMs);
      continue;
    }
    if (verdict.reason !== "") node.say(`not good: ${verdict.reason}`);
    await leave(node, standing, state, facts, verdict.reason);
    return false;
  }
}

/** A node too busy to say how it is, is looked at again. */
async function lookAt(node: GateNode, standing: Standing): Promise<Health | "unknown"> {
  return node.health(standing).catch((error: unknown) => {
    node.say(`its health is not known: ${messageOf(error)}`);
    return "unknown" as const;
  });
}

async function leave(
  node: GateNode,
  standing: Standing,
  state: State,
  facts: BootFacts,
  reason: string,
): Promise<void> {
  // Neither a state that cannot be written nor a RAUC that does not answer keeps a bad build running: unmarked, it
  // uses up its attempts.
  const trying = async (what: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => node.say(`${what}: ${messageOf(error)}`));
  };
  if (standing.kind === "trial") {
    const { trial } = standing;
    await trying("the failure is not remembered", () =>
      node.writeState(failed(state, trial, reason, facts.now)),
    );
    const back = state.committed?.slot ?? otherSlot(facts.running.slot);
    node.say(`going back from ${nameOf(trial)} to slot ${back}`);
    // Else a node that loses its data later, and with it what is remembered, would try this one.
    await trying("this slot keeps its attempts", () => node.useUp());
    await trying(`slot ${back} is not activated`, () => node.activate(back));
  } else if (standing.kind === "return") {
    await trying("this slot keeps its attempts", () => node.useUp());
    await trying(`slot ${standing.to} is not activated`, () => node.activate(standing.to));
  } else if (standing.kind === "leave") {
    await trying("this slot keeps its attempts", () => node.useUp());
  } else return;
  await node.reboot();
}
