import { otherSlot, type SlotName, type State } from "../../../updater/state/record.ts";
import { runGate } from "../../../updater/trial/gate.ts";
import { type BootFacts, committedState, standingOf } from "../../../updater/trial/judge.ts";
import { isSettling, trusted } from "../../../updater/trial/settling.ts";
import { committed, idOf, trialOf } from "./example.ts";
import { MemoryNode, well } from "./memory-node.ts";

/** How a start ends, and when. */
export type End =
  | "crash before the gate"
  | "shutdown before the gate"
  | "crash in the gate"
  | "crash before the commit"
  | "crash"
  | "shutdown"
  | "up for long";

const CRASHES = ["crash before the gate", "crash in the gate", "crash before the commit", "crash"] as const;
export const crashes: readonly End[] = CRASHES;

/** Build `a` is committed in slot A; `c` was just installed into B and activated. */
export class CrashingNode {
  state: State = { ...committed, trial: trialOf("c", { activatedIn: "boot-0" }) };
  /** Starts of each build. */
  readonly starts = { a: 0, c: 0 };
  /** Whether each slot that a gate activated held a build that had not failed. */
  activatedWell = true;
  /** Undefined: it goes on and on. */
  outcome: "new" | "old" | undefined;
  #order: SlotName[] = ["B", "A"];
  readonly #left = { A: 3, B: 3 };
  readonly #shutDowns: string[] = [];

  /** As the boot script does it. */
  #choose(): SlotName {
    if (this.#left.A + this.#left.B === 0) [this.#left.A, this.#left.B] = [3, 3];
    const slot = this.#order.find((name) => this.#left[name] > 0) ?? "A";
    this.#left[slot] -= 1;
    return slot;
  }

  /** `end` is that of the new build, and of the old one where `both`. `broken`: what does not work in this start. */
  async start(end: End, { both = false, broken = [] as readonly string[] } = {}): Promise<void> {
    const slot = this.#choose();
    const letter = slot === "A" ? "a" : "c";
    this.starts[letter] += 1;
    const bootId = `boot-${this.starts.a}-${this.starts.c}`;
    const how = letter === "c" || both ? end : "up for long";
    if (!/before the gate/.test(how)) await this.#judge(letter, slot, bootId, how, broken);
    if (/shutdown/.test(how) && this.state.settling !== undefined) this.#shutDowns.push(bootId);
  }

  async #judge(
    letter: "a" | "c",
    slot: SlotName,
    bootId: string,
    how: End,
    broken: readonly string[],
  ): Promise<void> {
    const boot: BootFacts = {
      running: { buildId: idOf(letter), slot, bootId },
      slotBuilds: { B: idOf("c") },
      other: this.#left[otherSlot(slot)] > 0 ? "good" : "bad",
      shutDowns: [...this.#shutDowns],
      ...{ dataHolds: true, flashed: false, now: 1_000 },
    };
    const node = new MemoryNode(this.state, boot, [well], broken);
    // A gate that fails itself lets nothing pass, and leaves the node where it is.
    const passed = await runGate(node, {
      ...{ deadlineMs: 1_000, pollMs: 1_000 },
      ...{ steadyMs: 0, checksEndMs: 1_000 },
    }).catch(() => false);
    this.state = node.state;
    if (!passed) return this.#leave(node.log, slot, broken);
    if (how === "crash in the gate") return;
    this.#left[slot] = 3;
    if (how === "crash before the commit") return;
    const { standing, state } = standingOf(this.state, boot);
    if (!broken.includes("write")) this.state = committedState(state, standing, boot);
    if (how === "up for long") this.#stay(letter);
  }

  #leave(log: readonly string[], slot: SlotName, broken: readonly string[]): void {
    if (log.includes("use up") && !broken.includes("use")) this.#left[slot] = 0;
    const to = log.find((line) => line.startsWith("activate"))?.endsWith("A") === true ? "A" : "B";
    if (!log.some((line) => line.startsWith("activate")) || broken.includes("activate")) return;
    this.#order = [to, otherSlot(to)];
    this.#left[to] = 3;
    const buildId = idOf(to === "A" ? "a" : "c");
    if (this.state.failed.some((one) => one.buildId === buildId)) this.activatedWell = false;
  }

  #stay(letter: "a" | "c"): void {
    if (this.state.committed?.buildId !== idOf(letter)) return;
    if (isSettling(this.state)) this.state = trusted(this.state);
    if (letter === "c") this.outcome = "new";
    else if (this.state.failed.some(({ buildId }) => buildId === idOf("c"))) this.outcome = "old";
  }
}
