import { readFileSync } from "node:fs";
import { UpdaterError } from "../../../updater/failure.ts";
import type { Bus, BusReply } from "../../../updater/rauc/bus.ts";
import { otherSlot, type SlotName } from "../../../updater/state/record.ts";
import type { Effects } from "./effects.ts";
import { buildIdOf, bundleOf, slotOf } from "./scene.ts";
import type { Card } from "./simulated-card.ts";
import type { Time } from "./simulated-world.ts";

const say = (data: string) => ({ type: "s", data });
/** An installation takes its time, in milliseconds. */
const WRITING_MS = 10 * 60_000;

export interface Surroundings {
  readonly card: Card;
  readonly effects: Effects;
  readonly booted: SlotName;
  /** The place of what the updater has chosen, by now. */
  readonly intended: () => string;
  readonly time: Time;
  readonly onActivate: (slot: SlotName) => void;
  readonly onInstall: (tag: string) => void;
}

/**
 * RAUC on the bus, in the steps of rauc 1.13 (src/install.c, src/bootloaders/uboot.c; activate-installed=false). An
 * installation goes on by one step with each look at it.
 */
export class SimulatedRauc implements Bus {
  readonly #at: Surroundings;
  #steps: (() => void | Promise<void>)[] = [];
  #error = "";
  /** What is noted down of a slot that could not be filled. */
  #onFailure = (): void => undefined;

  constructor(surroundings: Surroundings) {
    this.#at = surroundings;
  }

  get works(): boolean {
    return this.#steps.length > 0;
  }

  /** Whatever became of who has asked for it. */
  async finish(): Promise<void> {
    while (this.works) await this.#goOn();
  }

  call(method: string, _signature?: string, args: readonly string[] = []): Promise<BusReply | undefined> {
    const name = [method, ...args.map((arg) => arg.replace(/^http.*/, "URL"))].join(" ");
    const effect = { name, asks: method.startsWith("Get"), doer: "updater" } as const;
    return this.#at.effects.pass(effect, noAnswer, () => this.#answer(method, args));
  }

  properties(names: readonly string[]): Promise<readonly BusReply[]> {
    const effect = { name: names.join(" "), asks: true, doer: "updater" } as const;
    return this.#at.effects.pass(effect, noAnswer, async () => {
      if (names.includes("BootSlot")) return [say(this.#at.booted)];
      await this.#goOn();
      const progress = this.works ? [50, "Copying image", 2] : [100, "Installing done.", 1];
      return [say(this.works ? "installing" : "idle"), { type: "(isi)", data: progress }, say(this.#error)];
    });
  }

  async #goOn(): Promise<void> {
    const step = this.#steps.shift();
    try {
      await step?.();
    } catch (error) {
      this.#at.effects.require("machine");
      this.#steps = [];
      this.#onFailure();
      this.#error = error instanceof Error ? error.message : "unknown";
    }
  }

  async #answer(method: string, [what = "", which = ""]: readonly string[]): Promise<BusReply | undefined> {
    const { card, booted } = this.#at;
    if (method === "GetPrimary") {
      if (card.primary === undefined) throw noAnswer();
      return { type: "s", data: [card.primary === "A" ? "rootfs.0" : "rootfs.1"] };
    }
    if (method === "GetSlotStatus") return { type: "a(sa{sv})", data: [this.#slots()] };
    if (method === "Mark" && what === "active") {
      await this.#activate(which === "booted" ? booted : otherSlot(booted));
      return undefined;
    }
    if (method !== "InstallBundle") throw new Error(`RAUC's stand-in does not know ${method} ${what}`);
    if (this.works) throw new UpdaterError("BUSY", "RAUC is busy with another installation");
    this.#begin(what);
    return undefined;
  }

  #slots(): readonly unknown[] {
    const { card } = this.#at;
    return (["A", "B"] as const).map((slot, at) => {
      const build = card.builds[slot];
      const facts = {
        device: say(card.device(slot)),
        bootname: say(slot),
        "boot-status": say(card.isGood(slot) ? "good" : "bad"),
      };
      return [`rootfs.${at}`, build === undefined ? facts : { ...facts, "bundle.build": say(build) }];
    });
  }

  /** One thing RAUC does to the card. */
  #do(name: string, work: () => void | Promise<void>): Promise<void> {
    const fail = () => new UpdaterError("RAUC", `${name} did not work`);
    return this.#at.effects.pass({ name: `RAUC: ${name}`, asks: false, doer: "machine" }, fail, work);
  }

  async #activate(slot: SlotName): Promise<void> {
    const { card } = this.#at;
    await this.#do(`attempts of ${slot}`, () => card.set(`BOOT_${slot}_LEFT`, "3"));
    await this.#do(`${slot} first`, () => {
      this.#at.onActivate(slot);
      card.set("BOOT_ORDER", [slot, ...card.slots.filter((name) => name !== slot)].join(" "));
    });
  }

  #begin(bundle: string): void {
    const { card, booted } = this.#at;
    const slot = otherSlot(booted);
    let tag = "";
    this.#error = "";
    this.#onFailure = () => undefined;
    const note = (): void => {
      card.builds[slot] = buildIdOf(tag);
    };
    this.#steps = [
      () =>
        this.#do("reads the bundle", async () => {
          tag = await this.#read(bundle);
        }),
      () =>
        this.#do(`${slot} out of the order`, () => {
          this.#at.onInstall(tag);
          card.set("BOOT_ORDER", card.slots.filter((name) => name !== slot).join(" "));
        }),
      () => this.#do(`no attempts for ${slot}`, () => card.set(`BOOT_${slot}_LEFT`, "0")),
      () =>
        this.#do(`half of ${slot}`, () => {
          this.#onFailure = note;
          card.fill(slot, slotOf(tag).subarray(0, 4096));
        }),
      () =>
        this.#do(`all of ${slot}`, async () => {
          // Whoever serves the bundle may be gone by now.
          await this.#read(bundle);
          this.#at.time.now += WRITING_MS;
          card.fill(slot, slotOf(tag));
        }),
      () => this.#do(`what ${slot} holds`, note),
    ];
  }

  /** The tag of a whole bundle, which is the one the updater has chosen (ansible's pre-install). */
  async #read(bundle: string): Promise<string> {
    const bytes = bundleOf("v1.0.0").length;
    const answer = await fetch(bundle, { headers: { range: `bytes=0-${bytes - 1}` } });
    const content = Buffer.from(await answer.arrayBuffer());
    const tag = this.#at.card.tags.find((one) => bundleOf(one).equals(content));
    if (tag === undefined) throw new Error("Failed to stream bundle");
    const intended = JSON.parse(readFileSync(this.#at.intended(), "utf8")) as { buildId: string };
    if (intended.buildId !== buildIdOf(tag)) throw new Error("refused: not the bundle that was chosen");
    return tag;
  }
}

const noAnswer = () => new UpdaterError("RAUC", "RAUC's service: Connection timed out");
