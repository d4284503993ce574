import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type PackerEvent, parsePackerLine } from "../../../lib/image/provision/packer/messages.ts";

const FOLDER = join(import.meta.dirname, "fixtures");

/** Names of the recorded runs of Packer 1.16.0 with the arm plugin 1.1.6: `s-` succeeded, `f-` failed. */
export const recordings: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".log"))
  .map((name) => name.slice(0, -".log".length))
  .sort();

export function linesOf(text: string): PackerEvent[] {
  return text
    .split("\n")
    .map(parsePackerLine)
    .filter((event) => event !== undefined);
}

export function recordedEvents(name: string): PackerEvent[] {
  return linesOf(readFileSync(join(FOLDER, `${name}.log`), "utf8"));
}
