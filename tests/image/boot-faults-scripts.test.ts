import { describe, expect, test } from "vitest";
import { encodeBootState } from "../../lib/emulator/boot-state.ts";
import { readOnP1, removeFromP1 } from "../../lib/emulator/card/p1.ts";
import { addToSlot, copySlotAToB, readInSlot, removeInSlot } from "../../lib/emulator/card/slot.ts";
import { writeBootState } from "../../lib/emulator/card/state.ts";
import type { CourseEvent } from "../../lib/emulator/course.ts";
import { type Bench, type Disk, listP1, putOnP1 } from "../../lib/emulator/disk.ts";
import { state } from "./boot-state-cases.ts";
import { type CardMachine, CHOICE_MS, machineAsked, slotChosen, withCardMachine } from "./card-machine.ts";
import { cacheDir } from "./surroundings.ts";

// Boot scripts that are gone or damaged. Whatever happens, U-Boot never ends at its prompt.
const machine = machineAsked("raspi3b");

interface Damage {
  readonly name: string;
  /** What is left of a file; undefined: it is gone. */
  readonly leave: (whole: Uint8Array) => Uint8Array | undefined;
}

const cut = (name: string, length: (whole: number) => number): Damage => ({
  name: `cut ${name}`,
  leave: (whole) => whole.subarray(0, length(whole.length)),
});
const flipped = (name: string, at: (whole: number) => number): Damage => ({
  name: `with a flipped byte in its ${name}`,
  leave: (whole) => {
    const copy = new Uint8Array(whole);
    const place = at(copy.length);
    copy[place] = (copy[place] ?? 0) ^ 0x20;
    return copy;
  },
});

const damages: readonly Damage[] = [
  { name: "gone", leave: () => undefined },
  cut("to nothing", () => 0),
  cut("inside its header", () => 40),
  cut("after its header", () => 64),
  cut("in the middle", (whole) => whole >> 1),
  cut("by one byte", (whole) => whole - 1),
  flipped("header", () => 20),
  flipped("text", (whole) => whole >> 1),
];

const starts = (events: readonly CourseEvent[]): number => events.filter((event) => event === "start").length;
const chosenOrThirdStart = (events: readonly CourseEvent[]): boolean =>
  slotChosen(events) || starts(events) > 2;

describe.runIf(cacheDir !== undefined)(`damaged boot scripts on ${machine}`, () => {
  async function set(disk: Disk, values: Record<string, string>): Promise<void> {
    for (const copy of [0, 1] as const) await writeBootState(disk, copy, encodeBootState(state(values)));
  }

  /** Puts a file of p1 into a state, whatever state it was in. */
  async function leave(
    bench: Bench,
    disk: Disk,
    name: string,
    content: Uint8Array | undefined,
  ): Promise<void> {
    if (content !== undefined) await putOnP1(bench, disk, name, content);
    else if ((await listP1(bench, disk)).includes(name)) await removeFromP1(bench, disk, name);
  }

  /** What U-Boot does with each damage to these files of p1, whole copies of one script, on one machine. */
  async function damageEach(
    on: CardMachine,
    names: readonly string[],
    whole: Uint8Array,
  ): Promise<unknown[]> {
    const all: unknown[] = [];
    for (const damage of damages) {
      await on.startAgain(async () => {
        await set(on.disk, {});
        for (const name of names) await leave(on.bench, on.disk, name, damage.leave(whole));
      });
      all.push([damage.name, await on.until(chosenOrThirdStart, CHOICE_MS[machine]).catch(String)]);
    }
    return all;
  }

  test("the first copy of the boot script: the second takes its place", async () => {
    const found = await withCardMachine("boot-script", machine, async (on) =>
      damageEach(on, ["boot.scr"], await readOnP1(on.bench, on.disk, "boot.scr")),
    );
    expect(found).toEqual(damages.map(({ name }) => [name, ["start", "slot A, 2 left"]]));
  });

  test("both copies of the boot script: it starts again and again, and counts nothing", async () => {
    const found = await withCardMachine("both-boot-scripts", machine, async (on) => {
      const whole = await readOnP1(on.bench, on.disk, "boot.scr");
      const all = await damageEach(on, ["boot.scr", "boot2.scr"], whole);
      await on.startAgain(() => leave(on.bench, on.disk, "boot2.scr", whole));
      all.push(["mended", await on.until(chosenOrThirdStart, CHOICE_MS[machine]).catch(String)]);
      return all;
    });
    expect(found).toEqual([
      ...damages.map(({ name }) => [name, ["start", "start", "start"]]),
      ["mended", ["start", "slot A, 2 left"]],
    ]);
  });

  test("the slot's own script: the attempt is counted, and the other slot is next", async () => {
    const path = "/boot/slot.scr";
    const fallsBack = ["start", "slot A, 0 left", "slot A failed", "start", "slot B, 2 left"];
    const found = await withCardMachine(
      "slot-script",
      machine,
      async ({ bench, disk, startAgain, until }) => {
        const whole = await readInSlot(bench, disk, "A", path);
        let there = true;
        await copySlotAToB(disk);
        const all: unknown[] = [];
        for (const damage of damages) {
          const content = damage.leave(whole);
          await startAgain(async () => {
            await set(disk, { BOOT_A_LEFT: "1" });
            if (there) await removeInSlot(bench, disk, "A", path);
            if (content !== undefined) await addToSlot(bench, disk, "A", path, content);
            there = content !== undefined;
          });
          const second = (events: readonly CourseEvent[]): boolean =>
            starts(events) === 2 && slotChosen(events);
          all.push([damage.name, await until(second, CHOICE_MS[machine]).catch(String)]);
        }
        return all;
      },
    );
    expect(found).toEqual(damages.map(({ name }) => [name, fallsBack]));
  });

  // Without it U-Boot waits two seconds for a key, and its own search for a boot script finds ours.
  test.runIf(machine === "raspi3b").each([
    ["gone", (): undefined => undefined],
    ["damaged", (whole: Uint8Array): Uint8Array => whole.map((byte, at) => (at === 100 ? byte ^ 1 : byte))],
  ])("U-Boot's settings %s: on a quiet line it starts all the same", async (what, damage) => {
    const found = await withCardMachine(
      `settings-${what}`,
      machine,
      async ({ bench, disk, startAgain, until }) => {
        const whole = await readOnP1(bench, disk, "uboot.env");
        await startAgain(() => leave(bench, disk, "uboot.env", damage(whole)));
        return until(chosenOrThirdStart, CHOICE_MS[machine]);
      },
    );
    expect(found).toEqual(["start", "slot A, 2 left"]);
  });
});
