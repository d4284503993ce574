/**
 * Packer's `-machine-readable` output: one event per line, `unixSeconds,target,type,data...`. A comma in
 * data stands as `%!(PACKER_COMMA)`, a line break as a backslash and an `n`, so a text that really held
 * these two characters (JSON printed by Ansible) cannot be told from one with a line break: `literal`
 * keeps them as they came.
 */
export type PackerEvent =
  | {
      readonly kind: "say" | "error";
      /** Seconds since 1970. */
      readonly at: number;
      /** Without time stamp and `==> builder:`, line breaks real. */
      readonly text: string;
      /** As `text`, line breaks still escaped. */
      readonly literal: string;
      /** Whether a builder said it (`==> arm.node:`), not packer itself. */
      readonly fromBuilder: boolean;
    }
  | { readonly kind: "artifact"; readonly field: string; readonly values: readonly string[] }
  | { readonly kind: "count"; readonly of: "artifact" | "error"; readonly count: number }
  | { readonly kind: "build-error"; readonly target: string; readonly text: string };

export type SpokenEvent = Extract<PackerEvent, { kind: "say" | "error" }>;

/** Longest text kept of one event, in characters: a full disk makes tar fill a line with a megabyte. */
const TEXT_LIMIT = 64 * 1024;
const TIME_STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: /;
const BUILDER_PREFIX = /^(?:==>|-->) [\w-]+\.[\w-]+: ?/;

function shorten(text: string): string {
  if (text.length <= TEXT_LIMIT) return text;
  const half = TEXT_LIMIT / 2;
  return `${text.slice(0, half)}\n[... ${text.length - TEXT_LIMIT} characters ...]\n${text.slice(-half)}`;
}

function withoutCommas(data: string): string {
  return data.replaceAll("%!(PACKER_COMMA)", ",");
}

function withLineBreaks(data: string): string {
  return data.replaceAll("\\r", "\r").replaceAll("\\n", "\n");
}

function spoken(kind: "say" | "error", at: number, data: string): SpokenEvent {
  const whole = shorten(withoutCommas(data).replace(TIME_STAMP, ""));
  const literal = whole.replace(BUILDER_PREFIX, "");
  const text = withLineBreaks(whole)
    .split("\n")
    .map((line) => line.replace(BUILDER_PREFIX, ""))
    .join("\n");
  return { kind, at, text: text.trimEnd(), literal, fromBuilder: whole.startsWith("==> ") };
}

/**
 * Reads one line. Undefined for what this project has no use for: types it does not know, the rest of a
 * line that was cut because it was too long, text of tools that write past packer.
 */
export function parsePackerLine(line: string): PackerEvent | undefined {
  const [seconds, target, type, ...data] = line.split(",");
  if (seconds === undefined || target === undefined || !/^\d{9,11}$/.test(seconds)) return undefined;
  switch (type) {
    case "ui": {
      const [how, ...rest] = data;
      if (how !== "say" && how !== "error" && how !== "message") return undefined;
      return spoken(how === "error" ? "error" : "say", Number(seconds), rest.join(","));
    }
    case "artifact": {
      // The first field is the artifact's number; this project's template makes one.
      const [, field, ...values] = data;
      return field === undefined ? undefined : { kind: "artifact", field, values: values.map(withoutCommas) };
    }
    case "artifact-count":
    case "error-count": {
      const count = Number(data[0]);
      return Number.isInteger(count)
        ? { kind: "count", of: type === "error-count" ? "error" : "artifact", count }
        : undefined;
    }
    case "error":
      return { kind: "build-error", target, text: shorten(withLineBreaks(withoutCommas(data.join(",")))) };
    default:
      return undefined;
  }
}
