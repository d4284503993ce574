import { rm } from "node:fs/promises";
import { readTextIfPresent, writeAtomically } from "../../lib/external/files.ts";
import type { Places } from "../places.ts";
import { metricsOf } from "./metrics.ts";
import { lineOf, type Status } from "./status.ts";

/** agetty takes a backslash as the start of a command. */
const plain = (text: string): string => text.replace(/[^ -[\]-~]/g, "?");

/** Puts the status where it is looked for. What cannot be written (data is full) is left out: the rest says so. */
export async function publishStatus(status: Status, places: Places): Promise<void> {
  const json = `${JSON.stringify(status)}\n`;
  const line = lineOf(status, status.at);
  const writing: readonly (readonly [string, string | undefined])[] = [
    [places.status, json],
    [places.savedStatus, json],
    [places.metrics, metricsOf(status)],
    [places.issue, line === undefined ? undefined : `${plain(line)}\n\n`],
    [places.motd, line === undefined ? undefined : `${line}\n`],
  ];
  for (const [path, text] of writing) {
    await (text === undefined ? rm(path, { force: true }) : writeAtomically(path, text)).catch(
      () => undefined,
    );
  }
}

/** The status of the last run: of this boot, else the one that was kept. */
export async function readStatus(places: Places): Promise<Status | undefined> {
  for (const path of [places.status, places.savedStatus]) {
    try {
      const text = await readTextIfPresent(path);
      // Our own file; a format of a later build that was rolled back is left alone.
      const status = text === undefined ? undefined : (JSON.parse(text) as Status);
      if (status?.format === 1) return status;
    } catch {
      // Torn or unreadable: as good as none.
    }
  }
  return undefined;
}
