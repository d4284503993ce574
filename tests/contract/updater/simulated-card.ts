import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { SlotName } from "../../../updater/state/record.ts";
import { slotOf } from "./scene.ts";

/** What lies on a card beside data: the boot state, two slots, and what RAUC noted down of them. */
export class Card {
  order: string;
  readonly left: Record<SlotName, number> = { A: 3, B: 0 };
  readonly builds: Partial<Record<SlotName, string>> = {};
  /** Releases whose slots and bundles are known, by their tags. */
  readonly tags: readonly string[];
  /** Called after each change. */
  onChange = (): void => undefined;
  readonly #folder: string;

  constructor(folder: string, tags: readonly string[], order: string) {
    [this.#folder, this.tags, this.order] = [folder, tags, order];
  }

  device(slot: SlotName): string {
    return `${this.#folder}/slot-${slot}`;
  }

  fill(slot: SlotName, content: Buffer): void {
    writeFileSync(this.device(slot), content);
    this.onChange();
  }

  /** The release that lies whole in a slot. */
  tagIn(slot: SlotName): string | undefined {
    const content = existsSync(this.device(slot)) ? readFileSync(this.device(slot)) : Buffer.alloc(0);
    return this.tags.find((tag) => slotOf(tag).equals(content));
  }

  /** In the order they are started in. */
  get slots(): readonly SlotName[] {
    return this.order.split(" ").filter((name): name is SlotName => name === "A" || name === "B");
  }

  /** As RAUC judges it: r_uboot_get_state. */
  isGood(slot: SlotName): boolean {
    return this.slots.includes(slot) && this.left[slot] > 0;
  }

  get primary(): SlotName | undefined {
    return this.slots.find((slot) => this.isGood(slot));
  }

  /** As the boot script does it (boards/rpi-arm64/boot/boot.cmd), its resets included. */
  choose(): SlotName {
    if (!/^(A|B|A B|B A)$/.test(this.order)) this.order = "A B";
    const { primary } = this;
    if (primary === undefined) {
      [this.left.A, this.left.B] = [3, 3];
      return this.choose();
    }
    this.left[primary] -= 1;
    return primary;
  }

  set(name: string, value: string): void {
    if (name === "BOOT_ORDER") this.order = value;
    else if (name === "BOOT_A_LEFT" || name === "BOOT_B_LEFT")
      this.left[name === "BOOT_A_LEFT" ? "A" : "B"] = Number.parseInt(value, 16);
    else throw new Error(`the boot state has no ${name}`);
    this.onChange();
  }
}
