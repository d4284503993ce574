import { describe, expect, test } from "vitest";
import { BOOT_STATE_BYTES, encodeBootState } from "../../lib/emulator/boot-state.ts";
import {
  copySlotAToB,
  readInSlot,
  removeInSlot,
  replaceInSlot,
  replaceSlotScript,
  truncateInSlot,
} from "../../lib/emulator/card/slot.ts";
import { writeBootState } from "../../lib/emulator/card/state.ts";
import type { CourseEvent } from "../../lib/emulator/course.ts";
import type { Bench, Disk } from "../../lib/emulator/disk.ts";
import { machineLimits } from "../../lib/emulator/limits.ts";
import { state } from "./boot-state-cases.ts";
import { type CardMachine, CHOICE_MS, machineAsked, slotChosen, withCardMachine } from "./card-machine.ts";
import { cacheDir } from "./surroundings.ts";

// A slot that cannot start: each attempt is counted, then the other slot is next, or it begins from the top.
const machine = machineAsked("raspi3b");

/** U-Boot loads kernel and initramfs, the kernel starts, waits half a minute for its root, and ten seconds more. */
const ATTEMPT_MS = 6 * 60_000;

const chose =
  (slot: string) =>
  (events: readonly CourseEvent[]): boolean =>
    slotChosen(events) && events.at(-1)?.startsWith(`slot ${slot}`) === true;

describe.runIf(cacheDir !== undefined)(`a slot that cannot start on ${machine}`, () => {
  const set = async (disk: Disk, values: Record<string, string>): Promise<void> => {
    for (const copy of [0, 1] as const) await writeBootState(disk, copy, encodeBootState(state(values)));
  };
  /** A card whose slot B is a good copy, and whose slot A is damaged. */
  const withBadA = (
    name: string,
    damage: (bench: Bench, disk: Disk) => Promise<void>,
    values: Record<string, string>,
    work: (machine: CardMachine) => Promise<void>,
  ): Promise<boolean> =>
    withCardMachine(`bad-a-${name.replaceAll(" ", "-")}`, machine, async (on) => {
      await on.startAgain(async () => {
        await copySlotAToB(on.disk);
        await damage(on.bench, on.disk);
        await set(on.disk, values);
      });
      await work(on);
      return true;
    });

  test("no kernel: three attempts, then B, which boots to its report", async () => {
    const damage = (bench: Bench, disk: Disk) => removeInSlot(bench, disk, "A", "/boot/Image.gz");
    await withBadA("no kernel", damage, { FRESH: "1" }, async ({ powered, until }) => {
      const events = await until(chose("B"), 4 * CHOICE_MS[machine]);
      expect(events).toEqual([
        ...["start", "slot A, 2 left", "slot A failed", "start", "slot A, 1 left", "slot A failed"],
        ...["start", "slot A, 0 left", "slot A failed", "start", "slot B, 2 left"],
      ]);
      const { loginMs, reportMs } = machineLimits[machine];
      await powered.console.waitFor({
        what: "the report of slot B",
        timeoutMs: loginMs + reportMs,
        look: () => (powered.timeline.report === undefined ? undefined : true),
      });
      expect(powered.timeline.report).toMatchObject({ slot: "B", failedUnits: [] });
      expect(powered.timeline.report?.bootState).toMatchObject({ order: "A B", aLeft: 0 });
    });
  });

  test("no kernel and no other slot: from the top", async () => {
    await withCardMachine("only-a", machine, async ({ bench, disk, startAgain, until }) => {
      await startAgain(async () => {
        await removeInSlot(bench, disk, "A", "/boot/Image.gz");
        await set(disk, { BOOT_ORDER: "A", BOOT_A_LEFT: "1", BOOT_B_LEFT: "0" });
      });
      const fromTheTop = (events: readonly CourseEvent[]) =>
        events.includes("no slot left") && chose("A")(events);
      expect(await until(fromTheTop, 3 * CHOICE_MS[machine])).toEqual([
        ...["start", "slot A, 0 left", "slot A failed", "start", "no slot left", "start", "slot A, 2 left"],
      ]);
      return true;
    });
  });

  test("A half rewritten and both copies of the state lost: A fails three times, then B", async () => {
    const damage = async (bench: Bench, disk: Disk): Promise<void> => {
      const { length } = await readInSlot(bench, disk, "A", "/boot/Image.gz");
      await truncateInSlot(bench, disk, "A", "/boot/Image.gz", length >> 1);
    };
    const lose = async (disk: Disk): Promise<void> => {
      for (const copy of [0, 1] as const) await writeBootState(disk, copy, new Uint8Array(BOOT_STATE_BYTES));
    };
    await withBadA("state lost", damage, {}, async ({ disk, startAgain, until }) => {
      await startAgain(() => lose(disk));
      expect(await until(chose("B"), ATTEMPT_MS)).toEqual([
        ...["start", "copy 1 damaged", "copy 2 damaged", "slot A, 2 left", "slot A failed"],
        ...["start", "slot A, 1 left", "slot A failed", "start", "slot A, 0 left", "slot A failed"],
        ...["start", "slot B, 2 left"],
      ]);
    });
  });

  test.each([
    [
      "another root",
      async (bench: Bench, disk: Disk) => {
        const script = Buffer.from(await readInSlot(bench, disk, "A", "/boot/slot.cmd")).toString("utf8");
        // The disk is known by what boot.scr wrote there as well, and that would find the root all the same.
        const wrong = script
          .replace(/root=PARTUUID=\S+/, "root=PARTUUID=00000000-02")
          .replace(/home-pi\.state=\S+ /, "");
        expect(wrong).not.toMatch(/root=PARTUUID=\$|home-pi\.state=/);
        await replaceSlotScript(bench, disk, "A", wrong);
      },
    ],
    ["no init", (bench: Bench, disk: Disk) => removeInSlot(bench, disk, "A", "/usr/sbin/init")],
  ])("%s: the attempt is counted and ends by itself, then B", async (what, damage) => {
    await withBadA(what, damage, { BOOT_A_LEFT: "1" }, async ({ until }) => {
      const events = await until(chose("B"), ATTEMPT_MS);
      expect(events).toEqual(["start", "slot A, 0 left", "kernel", "start", "slot B, 2 left"]);
    });
  });

  test.each([
    [
      "cut in half",
      async (bench: Bench, disk: Disk) => {
        const { length } = await readInSlot(bench, disk, "A", "/boot/initrd.img");
        await truncateInSlot(bench, disk, "A", "/boot/initrd.img", length >> 1);
      },
    ],
    [
      "with zeros in the middle",
      async (bench: Bench, disk: Disk) => {
        const content = Buffer.from(await readInSlot(bench, disk, "A", "/boot/initrd.img"));
        content.fill(0, content.length >> 1, (content.length >> 1) + 64 * 1024);
        await replaceInSlot(bench, disk, "A", "/boot/initrd.img", content);
      },
    ],
  ])("an initramfs %s: the kernel panics, then B", async (what, damage) => {
    await withBadA(what, damage, { BOOT_A_LEFT: "1" }, async ({ powered, startAgain, until }) => {
      const attempt: CourseEvent[] = ["start", "slot A, 0 left", "kernel", "panic"];
      const next: CourseEvent[] = ["start", "slot B, 2 left"];
      if (machine === "virt") {
        expect(await until(chose("B"), ATTEMPT_MS)).toEqual([...attempt, ...next]);
        return;
      }
      // Without its initramfs the kernel has no driver that could reset a Pi 3. There the watchdog does it
      // that slot.scr armed; here the test presses reset in its place.
      expect(await until((events) => events.includes("panic"), ATTEMPT_MS)).toEqual(attempt);
      await powered.console.waitFor({
        what: "the kernel's attempt to start again",
        timeoutMs: 60_000,
        despite: ["PANIC"],
        look: ({ tail }) => tail.some((line) => line.includes("Rebooting in 10 seconds")) || undefined,
      });
      await startAgain(async () => undefined);
      expect(await until(slotChosen, CHOICE_MS[machine])).toEqual(next);
    });
  });
});
