/** What goes wrong: the power of the machine, the program of the updater that runs, or one effect alone. */
export interface Fault {
  readonly kind: "cut" | "kill" | "error";
  /** At which effect, from 1. */
  readonly at: number;
  /** Whether that effect is still done; an error then is an answer that is lost. */
  readonly done: boolean;
}

/** Who does something: a program of the updater, or RAUC, the boot script and systemd, which outlive it. */
export type Doer = "updater" | "machine";

export interface Effect {
  readonly name: string;
  /** Whether it only asks: done or not makes no difference then. */
  readonly asks: boolean;
}

/** What is thrown into a program that is not there any more. */
export class Gone extends Error {}

/** Everything a node does passes here, is counted, and is disturbed at most once. */
export class Effects {
  readonly seen: Effect[] = [];
  /** Whether the fault has come. */
  struck = false;
  readonly #fault: Fault | undefined;
  readonly #onEnd: (kind: "cut" | "kill") => void;
  #ended: "cut" | "kill" | undefined;

  /** `onEnd` is called at the very moment of a cut or a kill. */
  constructor(fault: Fault | undefined, onEnd: (kind: "cut" | "kill") => void) {
    [this.#fault, this.#onEnd] = [fault, onEnd];
  }

  get isDark(): boolean {
    return this.#ended === "cut";
  }

  /** Another program is started, or the machine where `power` is given: what has ended before does not concern it. */
  begin(power = false): void {
    if (power || this.#ended === "kill") this.#ended = undefined;
  }

  /** Throws Gone where the doer has ended. */
  require(doer: Doer): void {
    if (this.#ended === "cut" || (this.#ended === "kill" && doer === "updater"))
      throw new Gone("it has ended");
  }

  /** Does `work`, which is one effect. `fail` says what an error looks like there. */
  async pass<T>(
    { doer, ...effect }: Effect & { readonly doer: Doer },
    fail: () => Error,
    work: () => T | Promise<T>,
  ): Promise<T> {
    this.require(doer);
    this.seen.push(effect);
    const fault = this.#fault?.at === this.seen.length ? this.#fault : undefined;
    if (fault?.done === false) this.#strike(fault, doer, fail);
    const result = await work();
    // What it is made of may have been disturbed.
    this.require(doer);
    if (fault?.done === true) this.#strike(fault, doer, fail);
    return result;
  }

  /** The power goes, as it is to go in any case. */
  cut(): void {
    if (this.#ended === "cut") return;
    this.#ended = "cut";
    this.#onEnd("cut");
  }

  #strike({ kind }: Fault, doer: Doer, fail: () => Error): void {
    this.struck = true;
    if (kind === "error") throw fail();
    this.#ended = kind;
    this.#onEnd(kind);
    this.require(doer);
  }
}
