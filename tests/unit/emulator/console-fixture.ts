import { SerialConsole } from "../../../lib/emulator/console.ts";
import { ManualClock } from "./manual-clock.ts";

export const SILENCE_MS = 60_000;

export interface Seat {
  readonly console: SerialConsole;
  readonly clock: ManualClock;
  readonly log: string[];
  readonly sent: string[];
  readonly abort: AbortController;
  /** Lets text arrive. */
  say(text: string): void;
}

/** A console whose machine is the test. */
export function seat(timestamps = true): Seat {
  const clock = new ManualClock();
  const abort = new AbortController();
  const log: string[] = [];
  const sent: string[] = [];
  const console = new SerialConsole({
    clock,
    signal: abort.signal,
    silenceMs: SILENCE_MS,
    log: (text) => log.push(typeof text === "string" ? text : new TextDecoder().decode(text)),
    timestamps,
    send: (text) => sent.push(text),
  });
  return { console, clock, log, sent, abort, say: (text) => console.push(new TextEncoder().encode(text)) };
}
