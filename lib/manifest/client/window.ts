/** The hours in which a node may restart: `02:00-05:00 Europe/London`, as in cluster.yaml. */
export interface Window {
  /** Minutes after midnight. */
  readonly from: number;
  /** Minutes after midnight; smaller than `from` where the window goes over midnight. */
  readonly to: number;
  readonly zone: string;
}

const TEXT = /^(\d{2}):(\d{2})-(\d{2}):(\d{2}) (\S+)$/;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Undefined where the text is no window, or the zone is none this Node knows. */
export function parseWindow(text: string): Window | undefined {
  const match = TEXT.exec(text);
  if (match === null) return undefined;
  const [from, to] = [Number(match[1]) * 60 + Number(match[2]), Number(match[3]) * 60 + Number(match[4])];
  const zone = match[5] ?? "";
  if (from >= DAY_MINUTES || to >= DAY_MINUTES || from === to) return undefined;
  try {
    minuteOfDay(0, zone);
  } catch {
    return undefined;
  }
  return { from, to, zone };
}

/** The window as it is written in cluster.yaml. */
export function windowText({ from, to, zone }: Window): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  const time = (minutes: number): string => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${time(from)}-${time(to)} ${zone}`;
}

// Costly to make, and a search asks for hundreds of minutes.
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const options = { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat("en-GB", options);
  formats.set(timeZone, format);
  return format;
}

/** Minutes after midnight on the wall clock of a zone. Throws RangeError for a zone that is not known. */
function minuteOfDay(now: number, zone: string): number {
  const [hour = "0", minute = "0"] = formatOf(zone).format(now).split(":");
  return Number(hour) * 60 + Number(minute);
}

/** `now` in milliseconds since 1970. The first minute is in, the last one is not. */
export function isOpen(window: Window, now: number): boolean {
  const minute = minuteOfDay(now, window.zone);
  return window.from < window.to
    ? minute >= window.from && minute < window.to
    : minute >= window.from || minute < window.to;
}

/**
 * When the window is open next, in milliseconds since 1970, to the minute; `now` where it is open. Looked for on
 * the wall clock, as a change to or from summer time may move it or leave its first minutes out.
 */
export function nextOpening(window: Window, now: number): number {
  if (isOpen(window, now)) return now;
  const start = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const away = (window.from - minuteOfDay(start, window.zone) + DAY_MINUTES) % DAY_MINUTES;
  // Two hours before what the wall clock promises, then minute by minute: no zone shifts further.
  for (let at = start + Math.max(1, away - 120) * MINUTE_MS; ; at += MINUTE_MS) {
    if (isOpen(window, at)) return at;
  }
}
