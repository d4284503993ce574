import { z } from "zod";
import { readTextIfPresent, writeAtomically } from "../external/files.ts";
import type { Reporter } from "./reporter.ts";

/** How long each step took the last time, by its title, in milliseconds. */
export interface Durations {
  expected(title: string): Promise<number | undefined>;
  record(title: string, ms: number): Promise<void>;
}

/** A step that found its work done in the cache says nothing about how long the work takes. */
const SHORTEST_WORTH_KEEPING_MS = 1_000;

const schema = z.record(z.string(), z.number().nonnegative());

async function read(file: string): Promise<Record<string, number>> {
  try {
    return schema.parse(JSON.parse((await readTextIfPresent(file)) ?? "{}"));
  } catch {
    // Only hints for a person: a file that cannot be read is as good as none.
    return {};
  }
}

/** Durations kept in one small JSON file, `{"title": milliseconds}`, written whole or not at all. */
export function durationsIn(file: string): Durations {
  let last: Promise<void> = Promise.resolve();
  const add = async (title: string, ms: number): Promise<void> => {
    const known = { ...(await read(file)), [title]: Math.round(ms) };
    const sorted = Object.fromEntries(Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)));
    // A folder that belongs to root after a build with sudo must not fail the next command.
    await writeAtomically(file, `${JSON.stringify(sorted, undefined, 2)}\n`).catch(() => undefined);
  };
  return {
    expected: async (title) => (await read(file))[title],
    async record(title, ms) {
      if (ms < SHORTEST_WORTH_KEEPING_MS) return;
      last = last.then(() => add(title, ms));
      await last;
    },
  };
}

/** The same reporter, whose steps expect what they took the last time and remember what they took now. */
export function withDurations(reporter: Reporter, durations: Durations, now: () => number): Reporter {
  return {
    info: (text) => reporter.info(text),
    warn: (text, place) => reporter.warn(text, place),
    error: (text, place) => reporter.error(text, place),
    async step(title, options, work) {
      const expectedMs = options.expectedMs ?? (await durations.expected(title));
      const startedMs = now();
      const result = await reporter.step(title, expectedMs === undefined ? {} : { expectedMs }, work);
      await durations.record(title, now() - startedMs);
      return result;
    },
  };
}
