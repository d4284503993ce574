import type { CourseEvent } from "../../lib/emulator/course.ts";
import type { Bench, Disk } from "../../lib/emulator/disk.ts";
import { type MachineName, machineNames } from "../../lib/emulator/machine.ts";
import type { PoweredMachine } from "../../lib/emulator/power.ts";
import type { Fatal } from "../../lib/emulator/timeline.ts";
import { withCard } from "./powered-card.ts";

/** A machine that stays powered while its card is changed again and again: seconds for each start. */
export interface CardMachine {
  readonly bench: Bench;
  readonly disk: Disk;
  readonly powered: PoweredMachine;
  /** Stops the guest, changes its card, and presses reset. */
  startAgain(change: () => Promise<void>): Promise<void>;
  /**
   * The events since the last reset, as soon as `enough` says so.
   * @throws EmulatorError when the machine falls silent, stops at a prompt, or the time is over
   */
  until(
    enough: (events: readonly CourseEvent[]) => boolean,
    timeoutMs: number,
  ): Promise<readonly CourseEvent[]>;
}

/** A kernel that panics, or a node in emergency mode, is to come back by itself. */
const COMES_BACK: readonly Fatal["code"][] = ["PANIC", "EMERGENCY"];

/** A card with the agent's last image in a machine of its own. */
export async function withCardMachine<T>(
  name: string,
  machine: MachineName,
  work: (on: CardMachine) => Promise<T>,
): Promise<T> {
  const done: T[] = [];
  await withCard({ name: `${name}-${machine}`, machine }, async (card) => {
    const { bench, disk } = card;
    const result = await card.powered(async ({ machine: powered }) =>
      work({
        ...{ bench, disk, powered },
        startAgain: async (change) => {
          await powered.pause();
          await change();
          await powered.reset();
        },
        until: (enough, timeoutMs) =>
          powered.console.waitFor({
            what: "its next step",
            timeoutMs,
            despite: COMES_BACK,
            look: () => (enough(powered.course.events) ? [...powered.course.events] : undefined),
          }),
      }),
    );
    done.push(result);
  });
  if (done.length === 0) throw new Error("nothing came of the card");
  return done[0] as T;
}

/** The machine a group of tests asks for. */
export function machineAsked(otherwise: MachineName): MachineName {
  return machineNames.find((name) => name === process.env.PI_TEST_MACHINE) ?? otherwise;
}

/** Whether a slot was chosen: the state is saved by then. */
export const slotChosen = (events: readonly CourseEvent[]): boolean =>
  /^slot [AB], /.test(events.at(-1) ?? "");

/** One start of U-Boot, with the longest way to a chosen slot: from the top. */
export const CHOICE_MS: Readonly<Record<MachineName, number>> = { virt: 60_000, raspi3b: 120_000 };
