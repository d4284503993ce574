import { describe, expect, test } from "vitest";
import { decodeBootState } from "../../lib/emulator/boot-state.ts";
import { startsUntilSlot } from "../../lib/emulator/card/choose-slot.ts";
import { copySlotAToB } from "../../lib/emulator/card/slot.ts";
import { readBootStateBytes, writeBootState } from "../../lib/emulator/card/state.ts";
import type { MachineName } from "../../lib/emulator/machine.ts";
import { damaged, rubbish, type StateCase, tears, valid } from "./boot-state-cases.ts";
import { type CardMachine, CHOICE_MS, machineAsked, slotChosen, withCardMachine } from "./card-machine.ts";
import { cacheDir } from "./surroundings.ts";

// What real U-Boot with the image's own boot script makes of a boot state, against the rules written a second time.
const machine = machineAsked("virt");

/** What U-Boot did and left, beside what it should have. */
async function judge(machine: CardMachine, which: MachineName, { name, copies }: StateCase) {
  const expected = startsUntilSlot([decodeBootState(copies[0]), decodeBootState(copies[1])]);
  const { disk } = machine;
  await machine.startAgain(async () => {
    await writeBootState(disk, 0, copies[0]);
    await writeBootState(disk, 1, copies[1]);
  });
  const events = await machine.until(slotChosen, CHOICE_MS[which]).catch((error: unknown) => [String(error)]);
  await machine.powered.pause();
  const left = [await readBootStateBytes(disk, 0), await readBootStateBytes(disk, 1)];
  return {
    found: { name, events, saved: left.map(decodeBootState) },
    expected: { name, events: expected.events, saved: [expected.saved, expected.saved] },
  };
}

function judgeAll(what: string, cases: readonly StateCase[]) {
  return withCardMachine(`state-${what.replaceAll(" ", "-")}`, machine, async (on) => {
    const all: Awaited<ReturnType<typeof judge>>[] = [];
    // An empty B would fail and start again before anybody looked.
    await on.powered.pause();
    await copySlotAToB(on.disk);
    for (const one of cases) all.push(await judge(on, machine, one));
    return all;
  });
}

describe.runIf(cacheDir !== undefined)(`the boot state on ${machine}`, () => {
  test.runIf(machine === "virt").each([
    ["torn at every 64th byte", tears],
    ["with both copies damaged", damaged],
    ["valid", valid],
    ["valid by its checksum, and rubbish", rubbish],
  ])("%s: U-Boot chooses, counts and saves by the rules", async (what, cases) => {
    const verdicts = await judgeAll(what, cases);
    expect(verdicts.map(({ found }) => found)).toEqual(verdicts.map(({ expected }) => expected));
  });

  test("one of each kind: U-Boot chooses, counts and saves by the rules", async () => {
    const names = [
      ...["copy 1 torn at byte 64", "copy 2 torn at byte 64", "copy 1 torn at byte 448"],
      ...["both copies zero", "both copies garbage", "A exhausted, B next", "all exhausted"],
      ...["order of an unknown slot", "counter is a word"],
    ];
    const cases = [...tears, ...damaged, ...valid, ...rubbish].filter(({ name }) => names.includes(name));
    expect(cases).toHaveLength(names.length);
    const verdicts = await judgeAll("sample", cases);
    expect(verdicts.map(({ found }) => found)).toEqual(verdicts.map(({ expected }) => expected));
  });
});
