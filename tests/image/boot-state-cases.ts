import { BOOT_STATE_BYTES, encodeBootState, withChecksum } from "../../lib/emulator/boot-state.ts";
import { tear } from "../../lib/emulator/card/state.ts";

export interface StateCase {
  readonly name: string;
  readonly copies: readonly [Uint8Array, Uint8Array];
}

type Values = Readonly<Record<string, string>>;

/** Fills a state to the last byte, so that a tear anywhere leaves something of both. */
export function filled(values: Values, filler: string): Uint8Array {
  const used = Object.entries(values).reduce((sum, [name, value]) => sum + name.length + value.length + 2, 0);
  const room = BOOT_STATE_BYTES - 4 - used - "FILLER=".length - 2;
  return encodeBootState({ ...values, FILLER: filler.repeat(room) });
}

export const state = (more: Values = {}): Record<string, string> => ({
  ...{ BOOT_ORDER: "A B", BOOT_A_LEFT: "3", BOOT_B_LEFT: "3", FRESH: "0", CONTRACT: "1" },
  ...more,
});

/** B runs and was chosen before; then the order is turned round, as at the end of an update of A. */
const before = filled(state({ BOOT_ORDER: "B A", BOOT_A_LEFT: "0" }), "o");
const after = filled(state(), "n");

/** Every state a cut of that write can leave: copy 1 is finished before copy 2 is begun. */
export const tears: readonly StateCase[] = [0, 64, 128, 192, 256, 320, 384, 448, 512].flatMap((at) => [
  { name: `copy 1 torn at byte ${at}`, copies: [tear(before, after, at), before] },
  { name: `copy 2 torn at byte ${at}`, copies: [after, tear(before, after, at)] },
]);

const both = (name: string, copy: Uint8Array): StateCase => ({ name, copies: [copy, copy] });
const values = (name: string, more: Values): StateCase => both(name, encodeBootState(state(more)));

const garbage = new Uint8Array(BOOT_STATE_BYTES).map((_, at) => (at * 131 + 17) % 251);

export const damaged: readonly StateCase[] = [
  both("both copies zero", new Uint8Array(BOOT_STATE_BYTES)),
  both("both copies 0xff", new Uint8Array(BOOT_STATE_BYTES).fill(0xff)),
  both("both copies garbage", garbage),
  { name: "copy 1 garbage, copy 2 zero", copies: [garbage, new Uint8Array(BOOT_STATE_BYTES)] },
];

export const valid: readonly StateCase[] = [
  { name: "copy 1 newer", copies: [after, before] },
  { name: "copy 2 newer", copies: [before, after] },
  values("A once more", { BOOT_ORDER: "A", BOOT_A_LEFT: "1", BOOT_B_LEFT: "0" }),
  values("A exhausted, B next", { BOOT_A_LEFT: "0" }),
  values("B first", { BOOT_ORDER: "B A" }),
  values("B first and exhausted", { BOOT_ORDER: "B A", BOOT_B_LEFT: "0" }),
  values("all exhausted", { BOOT_A_LEFT: "0", BOOT_B_LEFT: "0" }),
  values("all exhausted, only A in order", { BOOT_ORDER: "A", BOOT_A_LEFT: "0", BOOT_B_LEFT: "0" }),
  values("only B in order", { BOOT_ORDER: "B", BOOT_B_LEFT: "2" }),
  values("fresh stays", { BOOT_ORDER: "A", FRESH: "1" }),
  values("counter in hexadecimal", { BOOT_A_LEFT: "1A" }),
];

/** Valid by its checksum and yet rubbish: no cut leaves it, but a wrong program could. */
export const rubbish: readonly StateCase[] = [
  values("unknown contract", { CONTRACT: "7" }),
  values("no order", { BOOT_ORDER: "" }),
  values("order of an unknown slot", { BOOT_ORDER: "C" }),
  values("order with an unknown slot", { BOOT_ORDER: "C B" }),
  values("A twice in order", { BOOT_ORDER: "A A", BOOT_A_LEFT: "1" }),
  values("A twice in order, exhausted", { BOOT_ORDER: "A A", BOOT_A_LEFT: "0" }),
  values("counter is a word", { BOOT_A_LEFT: "many" }),
  values("counter is empty", { BOOT_A_LEFT: "" }),
  values("counter is two words", { BOOT_A_LEFT: "3 3" }),
  values("counter begins with digits", { BOOT_A_LEFT: "3x" }),
  values("counter is negative", { BOOT_A_LEFT: "-1" }),
  values("counter has its own 0x", { BOOT_A_LEFT: "0x3" }),
  values("counter is huge", { BOOT_A_LEFT: "ffffffff" }),
  values("counter is larger than 32 bits", { BOOT_A_LEFT: "100000000" }),
  values("counters are commands", { BOOT_A_LEFT: "3; echo gotcha", BOOT_B_LEFT: "$(reset)" }),
  values("order is commands", { BOOT_ORDER: "A;reset B && reset" }),
  both("nothing at all", withChecksum(new Uint8Array(BOOT_STATE_BYTES))),
  both("text without end", withChecksum(new Uint8Array(BOOT_STATE_BYTES).fill(0x41))),
  both("bytes without meaning", withChecksum(garbage)),
];
