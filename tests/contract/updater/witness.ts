import { expect } from "vitest";
import { readStatus } from "../../../updater/report/publish.ts";
import { StateFile } from "../../../updater/state/file.ts";
import { emptyState, nameOf, type SlotName, type State } from "../../../updater/state/record.ts";
import { buildIdOf } from "./scene.ts";
import type { SimulatedNode, Watch } from "./simulated-node.ts";

const FLOORS = ["root", "timestamp", "snapshot", "targets", "serial", "lastKnownTime"] as const;

/** Looks at all a node does, and fails where a promise is broken, whatever has gone wrong before. */
export class Witness implements Watch {
  /** What the status said, each time a program of the updater had ended. */
  readonly reasons: string[] = [];
  /** What a person is done with: it may have failed without a start. */
  readonly #dismissed: string | undefined;
  readonly #started = new Set<string>();
  #failed: State["failed"] = [];
  #floors = emptyState.floors;
  #broken: unknown;
  #node: SimulatedNode | undefined;

  constructor(dismissed?: string) {
    this.#dismissed = dismissed === undefined ? undefined : buildIdOf(dismissed);
  }

  async watch(node: SimulatedNode): Promise<void> {
    this.#node = node;
    // Whatever becomes of the other one, the boot script starts no slot that is not in the order.
    node.card.onChange = () =>
      this.#note(() => {
        for (const slot of node.card.slots)
          expect(node.card.tagIn(slot), `slot ${slot}, in the order, holds a complete build`).toBeDefined();
      });
    await this.#look();
  }

  readonly onStart = async (slot: SlotName): Promise<void> => {
    const tag = this.#node?.card.tagIn(slot);
    expect(tag, `slot ${slot}, which is started, holds a complete build`).toBeDefined();
    const started = buildIdOf(tag ?? "");
    const { trial } = await this.#look();
    if (trial?.buildId === started) expect(trial.phase, "of a trial that is started").toBe("installed");
    this.#started.add(started);
  };

  readonly onActivate = (slot: SlotName): void => {
    const tag = this.#node?.card.tagIn(slot) ?? "";
    this.#note(() =>
      expect(this.#hasFailed(tag), `${tag}, which is made the first to start, has failed`).toBe(false),
    );
  };

  readonly onInstall = (tag: string): void => {
    this.#note(() => expect(this.#hasFailed(tag), `${tag}, which is installed, has failed`).toBe(false));
  };

  readonly onEnd = async (): Promise<void> => {
    await this.#look();
    const status = this.#node === undefined ? undefined : await readStatus(this.#node.places);
    if (status !== undefined) this.reasons.push(status.reason);
  };

  /** Thrown in the middle of a program, it would be taken for an error of RAUC's: it is thrown when that has ended. */
  #note(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#broken ??= error;
    }
  }

  #hasFailed(tag: string): boolean {
    return this.#failed.some(({ buildId }) => buildId === buildIdOf(tag));
  }

  async #look(): Promise<State> {
    if (this.#node === undefined) throw new Error("nothing is watched");
    if (this.#broken !== undefined) throw this.#broken;
    const { card, places } = this.#node;
    const { state, lost } = await new StateFile(places.state).read();
    expect(lost, "what is remembered").toBeUndefined();
    for (const name of FLOORS)
      expect(state.floors[name], `floor ${name}`).toBeGreaterThanOrEqual(this.#floors[name]);
    for (const one of state.failed) {
      const known = this.#started.has(one.buildId) || one.buildId === this.#dismissed;
      expect(known, `${nameOf(one)} failed (${one.reason}), and was started`).toBe(true);
    }
    const { trial } = state;
    if (trial?.phase === "installed")
      expect(card.slots, "of what is installed, at least the last resort").toContain(trial.slot);
    [this.#floors, this.#failed] = [state.floors, state.failed];
    return state;
  }
}
