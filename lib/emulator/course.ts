import type { SlotName } from "./card/slot.ts";
import { fatalIn, LOGIN, START } from "./timeline.ts";

/** What can be seen of a start on the serial line, in the words of a test's expectation. */
export type CourseEvent =
  /** U-Boot began, the first time or again. */
  | "start"
  /** A copy of the boot state was read and is not valid. */
  | "copy 1 damaged"
  | "copy 2 damaged"
  /** The boot script chose a slot and has saved the state. */
  | `slot ${SlotName}, ${string} left`
  | "no slot left"
  /** The slot's own script is missing, damaged, or came back. */
  | `slot ${SlotName} failed`
  /** U-Boot has handed over. */
  | "kernel"
  | "panic"
  | "emergency"
  | "prompt"
  | "login";

const EVENTS: readonly (readonly [RegExp, (slot: SlotName, left: string) => CourseEvent])[] = [
  [START, () => "start"],
  [/^home-pi: boot state at block 0x10 is damaged/, () => "copy 1 damaged"],
  [/^home-pi: boot state at block 0x2000 is damaged/, () => "copy 2 damaged"],
  [/^home-pi: slot ([AB]), (\S+) attempts left after this one/, (slot, left) => `slot ${slot}, ${left} left`],
  [/^home-pi: no slot has attempts left/, () => "no slot left"],
  [/^home-pi: slot ([AB]) did not start/, (slot) => `slot ${slot} failed`],
  [/^Starting kernel/, () => "kernel"],
];
const FATAL = { PANIC: "panic", EMERGENCY: "emergency", BOOTLOADER: "prompt" } as const;

/** What a line tells, if anything. Prompts are lines that are not finished. Pure. */
export function eventIn(line: string, unfinished: boolean): CourseEvent | undefined {
  if (LOGIN.test(line)) return "login";
  const fatal = fatalIn(line, unfinished);
  if (fatal !== undefined) return FATAL[fatal.code];
  if (unfinished) return undefined;
  for (const [pattern, event] of EVENTS) {
    const match = pattern.exec(line);
    if (match !== null) return event(match[1] === "B" ? "B" : "A", match[2] ?? "");
  }
  return undefined;
}

/** The events since power-on or the last reset from outside, in order, repeated starts included. */
export class Course {
  readonly #events: CourseEvent[] = [];
  /** What the unfinished line has told already: it is looked at again with each byte, and when it ends. */
  #told: CourseEvent | undefined;

  get events(): readonly CourseEvent[] {
    return this.#events;
  }

  line(line: string): void {
    const event = eventIn(line, false);
    if (event !== undefined && event !== this.#told) this.#add(event);
    this.#told = undefined;
  }

  unfinished(line: string): void {
    const event = eventIn(line, true);
    if (event === undefined || event === this.#told) return;
    this.#told = event;
    this.#add(event);
  }

  #add(event: CourseEvent): void {
    // A panic is many lines that say so.
    if (event === "panic" && this.#events.at(-1) === "panic") return;
    this.#events.push(event);
  }
}
