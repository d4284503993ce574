import { RENEW_BELOW_DAYS, VALID_DAYS } from "../limits.ts";
import type { MetadataName } from "./metadata.ts";

const DAY_MS = 86_400_000;

/** As TUF writes times: to the second, UTC. */
export function expiryOf(kind: MetadataName, now: Date): string {
  const end = new Date(now.getTime() + VALID_DAYS[kind] * DAY_MS);
  return `${end.toISOString().slice(0, 19)}Z`;
}

/** Days until `expires`; negative once it is over. */
export function daysLeft(expires: string, now: Date): number {
  return (Date.parse(expires) - now.getTime()) / DAY_MS;
}

export function isDue(kind: MetadataName, expires: string, now: Date): boolean {
  return daysLeft(expires, now) < RENEW_BELOW_DAYS[kind];
}

/** For people: `29 days left`, `expired 3 days ago`. */
export function describeExpiry(expires: string, now: Date): string {
  const days = daysLeft(expires, now);
  if (days <= 0) return `expired ${Math.ceil(-days)} days ago`;
  return days < 1 ? `${Math.floor(days * 24)} hours left` : `${Math.floor(days)} days left`;
}
