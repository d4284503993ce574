import { suggest } from "./nearest.ts";
import type { Objection } from "./text-rules.ts";

const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]";
export const WINDOW_PATTERN = `^${TIME}-${TIME} [A-Za-z0-9_+/-]+$`;
const FIX = `write it as "02:00-05:00 Europe/London"`;

/** The zone as the time zone database spells it, or undefined where it has none of that name. */
function knownZone(zone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

function objectToZone(zone: string): Objection | undefined {
  const known = knownZone(zone);
  const isName = /^[A-Z]/.test(zone);
  // Aliases (Asia/Calcutta) resolve to another name and are fine; the same name in another case is not.
  const otherCase = known !== undefined && known !== zone && known.toLowerCase() === zone.toLowerCase();
  if (known !== undefined && isName && !otherCase) return undefined;
  const fix = otherCase
    ? `did you mean "${known}"?`
    : suggest(zone, "time zones", ["UTC", ...Intl.supportedValuesOf("timeZone")]);
  return { code: "TIME_ZONE", message: `unknown time zone "${zone}"`, fix };
}

/** What speaks against `text` as `HH:MM-HH:MM Zone/City`, the hours in which nodes may restart. */
export function objectToWindow(text: string): Objection | undefined {
  if (!new RegExp(WINDOW_PATTERN).test(text)) {
    return { code: "WINDOW", message: `"${text}" is not an update window`, fix: FIX };
  }
  const [hours = "", zone = ""] = text.split(" ");
  const [from, to] = hours.split("-");
  if (from === to) {
    return {
      code: "WINDOW",
      message: `the update window "${hours}" is empty`,
      fix: `remove "window" to allow any time`,
    };
  }
  return objectToZone(zone);
}
