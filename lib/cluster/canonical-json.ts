import { sha256OfText } from "../external/files.ts";
import type { Json } from "./plan.ts";

function sorted(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map(sorted);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** One text per value, whatever the order of its keys: sorted by code unit, no white space. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(sorted(value));
}

/** SHA-256 (hex) of the canonical JSON. */
export function digestJson(value: Json): string {
  return sha256OfText(canonicalJson(value));
}
