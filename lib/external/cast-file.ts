import { writeAtomically } from "./files.ts";

/** What a terminal showed, and when. */
export interface CastEvent {
  /** Milliseconds from the beginning. */
  readonly atMs: number;
  readonly text: string;
}

/** A recording in asciinema's format, version 2: one JSON value a line, times in seconds. Pure. */
export function castOf(
  events: readonly CastEvent[],
  title: string,
  size: { width: number; height: number },
): string {
  const head = { version: 2, ...size, title };
  const lines = events.map(({ atMs, text }) => [atMs / 1000, "o", text.replaceAll("\n", "\r\n")]);
  return [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

export async function writeCast(path: string, events: readonly CastEvent[], title: string): Promise<void> {
  await writeAtomically(path, castOf(events, title, { width: 120, height: 30 }));
}
