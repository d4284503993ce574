import { isOpen, nextOpening, parseWindow } from "../manifest/client/window.ts";

/** Into the window, so that what begins at once is not late: in milliseconds. */
const INTO_WINDOW_MS = 5 * 60_000;

/**
 * What an emulated node's clock is ahead of this machine's, in milliseconds: nothing, or as much as brings it into the
 * hours in which it may restart, so that nobody has to sit up at night to watch an update. Less than a day, which is
 * what the updater lets clocks differ. `window` as cluster.yaml has it. Pure.
 */
export function shiftIntoWindow(window: string | undefined, now: number): number {
  const parsed = window === undefined ? undefined : parseWindow(window);
  if (parsed === undefined || isOpen(parsed, now)) return 0;
  return nextOpening(parsed, now) + INTO_WINDOW_MS - now;
}
