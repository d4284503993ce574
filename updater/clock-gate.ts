import { minuteOf } from "../lib/external/clock.ts";
import type { ServerDate } from "../lib/external/server-date.ts";
import { CLOCK_TOLERANCE_MS } from "./limits.ts";

export interface ClockFacts {
  /** The node's own clock, in milliseconds since 1970, as are all times here. */
  readonly now: number;
  /** The newest time that was ever trusted. */
  readonly lastKnownTime: number;
  /** Whether systemd-timesyncd has heard from a time server in this boot. */
  readonly synchronized: boolean;
  /** The manifest's server, and what it says. */
  readonly server: ServerDate & { readonly name: string; readonly secure: boolean };
}

export type ClockVerdict =
  | {
      readonly trusted: true;
      /** To be remembered. */
      readonly lastKnownTime: number;
      /** Whether that is earlier than what was remembered: it was wrong. */
      readonly healed: boolean;
    }
  | { readonly trusted: false; readonly problem: string };

const refuse = (problem: string): ClockVerdict => ({ trusted: false, problem });

/**
 * Whether the clock is good enough to judge by it what is expired. It is held against the Date of the manifest's
 * server, which TLS vouches for; over plain http somebody on the way may write it, so there timesyncd has to agree.
 *
 * A last known time that is far in the future (from a time server gone mad) does not lock a node out: once a time
 * server and the manifest's server agree on an earlier one, theirs is taken. One of them alone cannot turn back
 * the clock. Marking good, counting attempts and going back never ask here.
 */
export function judgeClock(facts: ClockFacts): ClockVerdict {
  const { now, lastKnownTime, synchronized, server } = facts;
  const said = minuteOf(now);
  if ("failure" in server) {
    const nobody = synchronized ? "" : "no time server has answered, and ";
    return refuse(
      `${nobody}${server.name} gives no time to hold it against (${server.failure}); it says ${said}`,
    );
  }
  const off = now - server.time;
  if (Math.abs(off) > CLOCK_TOLERANCE_MS) {
    return refuse(`it says ${said}, and ${server.name} says ${minuteOf(server.time)}`);
  }
  if (!server.secure && !synchronized) {
    return refuse(`no time server has answered yet, and ${server.name} is read over http (it says ${said})`);
  }
  if (now >= lastKnownTime - CLOCK_TOLERANCE_MS) {
    return { trusted: true, lastKnownTime: Math.max(now, lastKnownTime), healed: false };
  }
  if (synchronized) return { trusted: true, lastKnownTime: now, healed: true };
  return refuse(`it says ${said}, and ${minuteOf(lastKnownTime)} has been before`);
}
