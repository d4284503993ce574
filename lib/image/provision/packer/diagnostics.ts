import type { Place } from "../../../failure.ts";
import type { RunCode } from "./failure.ts";

/** One error packer found in the template or in the values given to it. */
export interface Diagnostic {
  readonly code: Extract<RunCode, "TEMPLATE" | "VARIABLE" | "CONFIGURATION" | "PLUGIN_MISSING">;
  readonly message: string;
  readonly place: Place | undefined;
}

const VARIABLE = /^(?:Unset variable|Undefined -var variable|Invalid value for)/;
const CONFIGURATION = /^(?:Failed preparing|Failed to initialize|\d+ error\(s\) occurred|.* is invalid)/;

const NOT_THE_DETAIL =
  /^(?:https?:|This was checked by the validation rule|\d+ error\(s\) occurred|Did you run packer init)/;

function codeOf(summary: string): Diagnostic["code"] {
  if (summary === "Missing plugins" || /^Unknown .* type|plugin .* is unknown/i.test(summary))
    return "PLUGIN_MISSING";
  if (VARIABLE.test(summary)) return "VARIABLE";
  if (CONFIGURATION.test(summary)) return "CONFIGURATION";
  return "TEMPLATE";
}

function placeOf(text: string): Place | undefined {
  // The rule that refused a value is a better place than the value's own, which came by argument.
  const rule = /validation rule at (\S+?):(\d+),(\d+)/.exec(text);
  if (rule?.[1] !== undefined) return { file: rule[1], line: Number(rule[2]), column: Number(rule[3]) };
  const on = /^ {2}on (\S+) line (\d+)/m.exec(text);
  if (on?.[1] === undefined || on[2] === "0") return undefined;
  return { file: on[1], line: Number(on[2]) };
}

/** Sentence(s) of one diagnostic: without its place, the source lines shown and links. */
function detailOf(text: string): string {
  const lines = text
    .split("\n")
    .slice(1)
    .filter((line) => !/^ {1,2}(?:on .*line \d+|\d+: |\(source code not available\))/.test(line))
    .map((line) => line.trim().replace(/^\* /, ""))
    .filter((line) => line !== "" && !NOT_THE_DETAIL.test(line));
  return lines.join(" ").replace(/; see$/, ".");
}

/** The errors of one `Error: ...` text of packer, in its order. */
export function parseDiagnostics(text: string): Diagnostic[] {
  return text
    .split(/(?:^|\n\n?)Error: /)
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const summary = part.split("\n", 1)[0]?.trim() ?? "";
      const detail = detailOf(part);
      const generic = /^\d+ error\(s\) occurred:?$/.test(summary);
      const message = generic ? detail : detail === "" ? summary : `${summary}: ${detail}`;
      return { code: codeOf(summary), message, place: placeOf(part) };
    });
}
