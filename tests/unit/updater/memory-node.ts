import type { SlotName, State } from "../../../updater/state/record.ts";
import type { GateNode } from "../../../updater/trial/gate.ts";
import type { BootFacts, Health } from "../../../updater/trial/judge.ts";
import { idOf } from "./example.ts";

/** Nothing is wrong. */
export const well: Health = {
  ...{
    gate: "well",
    failedUnits: [],
    dataMounted: true,
    timeSynchronized: true,
    channelProblem: undefined,
    checks: [],
  },
};
export const bootOf = (letter: string, slot: SlotName, more: Partial<BootFacts> = {}): BootFacts => ({
  running: { buildId: idOf(letter), slot, bootId: "boot-2" },
  slotBuilds: {},
  ...{ flashed: false, dataHolds: true, other: "good", shutDowns: [], now: 1_000 },
  ...more,
});

/** A node in memory: what the gate does is written down in order. */
export class MemoryNode implements GateNode {
  readonly log: string[] = [];
  /** How much was written down when word was left that this start has to end; undefined: none was. */
  leftAt: number | undefined;
  time = 0;
  state: State;
  readonly boot: BootFacts;
  readonly looks: Health[];
  readonly broken: readonly string[];
  constructor(state: State, boot: BootFacts, looks: Health[], broken: readonly string[] = []) {
    [this.state, this.boot, this.looks, this.broken] = [state, boot, looks, broken];
  }
  async #do(what: string): Promise<void> {
    this.log.push(what);
    if (this.broken.includes(what.split(" ")[0] ?? "")) throw new Error(`${what} does not work`);
  }
  readState = async () => this.state;
  writeState = async (state: State) => {
    await this.#do("write");
    this.state = state;
  };
  facts = async () => this.boot;
  health = async () => {
    if (this.broken.includes("health")) throw new Error("systemctl took longer than 30 s");
    return (this.looks.length > 1 ? this.looks.shift() : this.looks[0]) ?? well;
  };
  leaves = async () => {
    this.leftAt ??= this.log.length;
  };
  activate = (slot: SlotName) => this.#do(`activate ${slot}`);
  useUp = () => this.#do("use up");
  reboot = () => this.#do("reboot");
  alarm = (reason: string) => this.#do(`alarm ${reason}`);
  say = () => undefined;
  elapsed = () => this.time;
  sleep = async (ms: number) => {
    this.time += ms;
  };
}
