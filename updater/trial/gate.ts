import { messageOf } from "../../lib/failure.ts";
import { trial as limits } from "../limits.ts";
import { failed } from "../state/failed.ts";
import { nameOf, otherSlot, type SlotName, type State } from "../state/record.ts";
import { type BootFacts, type Health, isLost, judge, type Standing, standingOf } from "./judge.ts";

/** What the gate touches of a node. */
export interface GateNode {
  readState(): Promise<State>;
  writeState(state: State): Promise<void>;
  facts(): Promise<BootFacts>;
  /** `leftMs`: how long looking may still take, in milliseconds. */
  health(standing: Standing, leftMs: () => number): Promise<Health>;
  /**
   * Leaves word, gone with the restart, that this start has to end: home-pi-update-return.service ends it where the gate
   * is killed before it does, or the restart fails. What is remembered does not tell by then: the trial is over.
   */
  leaves(): Promise<void>;
  activate(slot: SlotName): Promise<void>;
  /** Takes the running slot's attempts away. */
  useUp(): Promise<void>;
  reboot(): Promise<void>;
  /** Leaves word where people and programs look: this start is not marked good, and nothing more is tried. */
  alarm(reason: string): Promise<void>;
  say(line: string): void;
  /** Milliseconds by a clock nobody sets: a time server must not end a build's time. */
  elapsed(): number;
  sleep(ms: number): Promise<void>;
}

export type GateLimits = Pick<
  { readonly [name in keyof typeof limits]: number },
  "deadlineMs" | "pollMs" | "steadyMs" | "checksEndMs"
>;

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
  const changed = JSON.stringify(state) !== JSON.stringify(before);
  if (facts.dataHolds && changed) await remember(node, standing, state);
  if ("reason" in standing) node.say(standing.reason);
  const { crashes = 0 } = state.settling ?? {};
  if (crashes > 0) node.say(`starts of this build that no shutdown ended: ${crashes}`);
  const leftMs = (): number => options.checksEndMs - (node.elapsed() - started);
  let goodSince: number | undefined;
  for (;;) {
    const look = isLost(standing) ? undefined : await lookAt(node, standing, leftMs);
    const timeIsUp = node.elapsed() - started >= options.deadlineMs;
    const verdict =
      look === undefined ? { kind: "bad" as const, reason: "" } : judge(standing, look, timeIsUp);
    if (verdict.kind === "good") {
      goodSince ??= node.elapsed();
      if (standing.kind !== "trial" || node.elapsed() - goodSince >= options.steadyMs) return true;
    } else goodSince = undefined;
    if (verdict.kind !== "bad") {
      await node.sleep(options.pollMs);
      continue;
    }
    if (verdict.reason !== "") node.say(`not good: ${verdict.reason}`);
    const told = "reason" in standing ? standing.reason : "";
    await leave(node, standing, state, facts, verdict.reason === "" ? told : verdict.reason);
    return false;
  }
}

/**
 * A way back that is not counted would be gone for ever, and what a new card makes of old data is not to be guessed
 * twice. Nothing else may cost a build its mark, or keep a bad one running, because data cannot be written.
 */
async function remember(node: GateNode, { kind }: Standing, state: State): Promise<void> {
  const write = (): Promise<void> => node.writeState(state);
  if (kind === "return" || kind === "first") return write();
  // Once that is written, the build it is about is one like any other.
  if (kind === "crashed") await leaving(node);
  await trying(node, "what this start is, is not remembered", write);
}

/** A node too busy to say how it is, is looked at again. */
async function lookAt(node: GateNode, standing: Standing, leftMs: () => number): Promise<Health | "unknown"> {
  return node.health(standing, leftMs).catch((error: unknown) => {
    node.say(`its health is not known: ${messageOf(error)}`);
    return "unknown" as const;
  });
}

/** Neither a state that cannot be written nor a RAUC that does not answer keeps a bad build running. */
async function trying(node: GateNode, what: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => node.say(`${what}: ${messageOf(error)}`));
}

/** There is nothing to go to: better a node that runs, and is not marked good, than one that restarts for ever. */
const STAYING: ReadonlySet<Standing["kind"]> = new Set(["committed", "first", "alone", "stay"]);

const leaving = (node: GateNode): Promise<void> =>
  trying(node, "no word is left that this start has to end", () => node.leaves());

async function leave(
  node: GateNode,
  standing: Standing,
  state: State,
  facts: BootFacts,
  reason: string,
): Promise<void> {
  if (STAYING.has(standing.kind)) return trying(node, "nobody is told", () => node.alarm(reason));
  await leaving(node);
  // Unmarked, it uses up its attempts, whatever does not work here.
  let back: SlotName | undefined;
  if (standing.kind === "trial") {
    const { trial } = standing;
    await trying(node, "the failure is not remembered", () =>
      node.writeState(failed(state, trial, reason, facts.now)),
    );
    back = state.committed?.slot ?? otherSlot(facts.running.slot);
    node.say(`going back from ${nameOf(trial)} to slot ${back}`);
  } else if (standing.kind === "crashed" || standing.kind === "return") back = standing.to;
  // Else a node that loses its data later, and with it what is remembered, would try this one.
  await trying(node, "this slot keeps its attempts", () => node.useUp());
  if (back !== undefined) await trying(node, `slot ${back} is not activated`, () => node.activate(back));
  await node.reboot();
}
