import type { Place } from "../failure.ts";

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/**
 * A workflow command as the runner reads it from a step's output, e.g. `::error file=a.yaml,line=3::text`.
 * Written here and not by @actions/core because that one knows only standard output, which a command with
 * --json needs for itself.
 */
export function workflowCommand(
  name: string,
  properties: Readonly<Record<string, string | number>>,
  text: string,
): string {
  const listed = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  return `::${name}${listed.length === 0 ? "" : ` ${listed.join(",")}`}::${escapeData(text)}`;
}

/** The properties with which GitHub shows a message beside the line it is about. */
export function annotationProperties(place: Place | undefined): Record<string, string | number> {
  if (place === undefined) return {};
  return {
    file: place.file,
    ...(place.line === undefined ? {} : { line: place.line }),
    ...(place.column === undefined ? {} : { col: place.column }),
  };
}

/** A tool's line as text only: what a role prints must not become a command to the runner. */
export function defuse(line: string): string {
  const harmless = line.replaceAll("##[", "## [");
  return /^\s*::/.test(harmless) ? `| ${harmless}` : harmless;
}
