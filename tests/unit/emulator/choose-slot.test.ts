import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBootState, encodeBootState } from "../../../lib/emulator/boot-state.ts";
import { chooseSlot, startsUntilSlot } from "../../../lib/emulator/card/choose-slot.ts";
import { tear } from "../../../lib/emulator/card/state.ts";

const state = { BOOT_ORDER: "A B", BOOT_A_LEFT: "3", BOOT_B_LEFT: "3", FRESH: "0", CONTRACT: "1" };
const other = { ...state, BOOT_ORDER: "B A", FRESH: "1" };

describe("chooseSlot", () => {
  it("takes the first slot of the order and counts", () => {
    expect(chooseSlot([state, state])).toEqual({
      events: ["start", "slot A, 2 left"],
      slot: "A",
      saved: { ...state, BOOT_A_LEFT: "2" },
    });
  });

  it("goes by the first copy, by the second where the first is torn, by defaults where both are", () => {
    expect(chooseSlot([other, state]).slot).toBe("B");
    expect(chooseSlot([undefined, other])).toMatchObject({ slot: "B", saved: { FRESH: "1" } });
    expect(chooseSlot([undefined, undefined])).toEqual({
      events: ["start", "copy 1 damaged", "copy 2 damaged", "slot A, 2 left"],
      slot: "A",
      saved: { ...state, BOOT_A_LEFT: "2" },
    });
  });

  it("passes over a slot without attempts, and begins from the top where none has any", () => {
    expect(chooseSlot([{ ...state, BOOT_A_LEFT: "0" }, undefined]).slot).toBe("B");
    const spent = { ...state, BOOT_ORDER: "A", BOOT_A_LEFT: "0", BOOT_B_LEFT: "0" };
    expect(chooseSlot([spent, spent])).toEqual({
      events: ["start", "no slot left"],
      slot: undefined,
      saved: { ...state, BOOT_ORDER: "A" },
    });
  });

  it.each(["", "C", "C B", "A A", "A B "])("takes the order %j for the default", (order) => {
    const choice = chooseSlot([{ ...state, BOOT_ORDER: order }, undefined]);
    expect(choice).toMatchObject({ slot: "A", saved: { BOOT_ORDER: "A B", BOOT_A_LEFT: "2" } });
  });

  it("chooses a slot within two starts, whatever the state says", () => {
    const word = fc.oneof(
      fc.constantFrom("A", "B", "A B", "B A", "C", "", "0", "1", "3", "many", "A A", "-1", "0x3"),
      fc.string({ unit: "binary-ascii", maxLength: 8 }),
    );
    const values = fc.record(
      { BOOT_ORDER: word, BOOT_A_LEFT: word, BOOT_B_LEFT: word, FRESH: word, CONTRACT: word },
      { requiredKeys: [] },
    );
    const copy = fc.option(values, { nil: undefined });
    fc.assert(
      fc.property(copy, copy, (first, second) => {
        const { slot, events } = startsUntilSlot([first, second]);
        expect(slot).toBeDefined();
        expect(events.filter((event) => event === "start").length).toBeLessThanOrEqual(2);
      }),
    );
  });
});

describe("a write that is cut", () => {
  it("leaves the state before it or the one after it, at any byte of either copy", () => {
    const [old, next] = [encodeBootState(state), encodeBootState(other)];
    const outcomes = [chooseSlot([state, state]).slot, chooseSlot([other, other]).slot];
    for (let at = 0; at <= 512; at += 1) {
      for (const copies of [
        [tear(old, next, at), old],
        [next, tear(old, next, at)],
      ] as const) {
        const choice = chooseSlot([decodeBootState(copies[0]), decodeBootState(copies[1])]);
        expect(outcomes).toContain(choice.slot);
        expect(choice.events).not.toContain("copy 2 damaged");
      }
    }
  });
});
