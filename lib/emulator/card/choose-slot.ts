import type { BootState } from "../boot-state.ts";
import type { CourseEvent } from "../course.ts";
import type { SlotName } from "./slot.ts";

/** What a start of U-Boot does with the boot state. */
export interface Choice {
  /** What is seen of it, the start itself first. */
  readonly events: readonly CourseEvent[];
  /** Undefined: no slot had attempts left, the next start begins from the top. */
  readonly slot: SlotName | undefined;
  /** What both copies hold afterwards. */
  readonly saved: Readonly<Record<string, string>>;
}

/** What holds where neither copy is valid. Data is not made anew because a sector was lost. */
const DEFAULTS = { BOOT_ORDER: "A B", BOOT_A_LEFT: "3", BOOT_B_LEFT: "3", FRESH: "0", CONTRACT: "1" };
/** The orders the boot script knows. Any other is taken for the default. */
const ORDERS = ["A", "B", "A B", "B A"];
const NAMES = ["BOOT_A_LEFT", "BOOT_B_LEFT", "BOOT_ORDER", "CONTRACT", "FRESH"] as const;

/**
 * The rules of boot.cmd, written a second time: the first valid copy counts, the first slot of the order with
 * attempts left is taken and counted, both copies are saved. Pure.
 */
export function chooseSlot(copies: readonly [BootState, BootState]): Choice {
  const [first, second] = copies;
  const damaged: CourseEvent[] = [];
  if (first === undefined) damaged.push("copy 1 damaged");
  if (first === undefined && second === undefined) damaged.push("copy 2 damaged");
  const found = onlyOurs(first ?? second ?? DEFAULTS);
  const order = ORDERS.find((known) => known === found.BOOT_ORDER) ?? DEFAULTS.BOOT_ORDER;
  const state = { ...found, BOOT_ORDER: order };
  const candidates = order.split(" ").filter((name) => name === "A" || name === "B");
  const slot = candidates.find((name) => attempts(state[`BOOT_${name}_LEFT`]).low > 0n);
  if (slot === undefined) {
    const saved = { ...state, BOOT_A_LEFT: "3", BOOT_B_LEFT: "3" };
    return { events: ["start", ...damaged, "no slot left"], slot, saved };
  }
  const name = `BOOT_${slot}_LEFT` as const;
  const left = (attempts(state[name]).whole - 1n).toString(16);
  const events: CourseEvent[] = ["start", ...damaged, `slot ${slot}, ${left} left`];
  return { events, slot, saved: { ...state, [name]: left } };
}

/** The starts until a slot is chosen, as one machine goes through them, and what is saved in the end. */
export function startsUntilSlot(copies: readonly [BootState, BootState]): Choice {
  const choice = chooseSlot(copies);
  if (choice.slot !== undefined) return choice;
  const next = chooseSlot([choice.saved, choice.saved]);
  return { ...next, events: [...choice.events, ...next.events] };
}

/** U-Boot takes the names it knows and forgets those that are missing or empty. */
function onlyOurs(state: Readonly<Record<string, string>>): Partial<Record<(typeof NAMES)[number], string>> {
  return Object.fromEntries(NAMES.flatMap((name) => (state[name] ? [[name, state[name]]] : [])));
}

/** As U-Boot reads a number: the hexadecimal digits it begins with; compared by its low 32 bits only. */
function attempts(text: string | undefined): { readonly whole: bigint; readonly low: bigint } {
  const digits = text === undefined || text.includes(" ") ? "" : (/^[0-9a-f]*/i.exec(text)?.[0] ?? "");
  const whole = BigInt.asUintN(64, BigInt(`0x${digits || "0"}`));
  return { whole, low: BigInt.asUintN(32, whole) };
}
