import type { TextRule } from "./text-rules.ts";
import { readVersion } from "./version.ts";

export const WAYPOINT_PATTERN = "^[0-9]+\\.[0-9]+\\.[0-9]+(-(alpha|beta|rc)\\.[0-9]+)?$";

/** A version every node must have run before it goes past it: `1.4.0`, as in a file's name and unlike in a tag. */
export const objectToWaypoint: TextRule = (text) => {
  const read = readVersion(text);
  if ("version" in read) return undefined;
  const bare = text.replace(/^v/, "");
  const fix =
    "version" in readVersion(bare) ? `write "${bare}"` : `write a released version, for example "1.4.0"`;
  return { code: "WAYPOINT", message: `"${text}" is no version: ${read.why}`, fix };
};
