import { minuteOf } from "../lib/external/clock.ts";
import { isOpen, nextOpening, type Window } from "../lib/manifest/client/window.ts";

/** What is waited for where the window is closed, and when it opens: milliseconds since 1970, as `now` is. */
export function closedWindow(
  window: Window | undefined,
  now: number,
): { readonly text: string; readonly next: number } | undefined {
  if (window === undefined || isOpen(window, now)) return undefined;
  const next = nextOpening(window, now);
  return { text: `the update window, open from ${minuteOf(next)}`, next };
}
