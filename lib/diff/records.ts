import type { Aspect, Change } from "./schema.ts";

/** What is known of each thing that has a name: aspect (mode, version, content ...) and value. */
export type Records = ReadonlyMap<string, Readonly<Record<string, string>>>;

function compareTwo(from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>): Aspect[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return names
    .filter((aspect) => from[aspect] !== to[aspect])
    .map((aspect) => ({
      aspect,
      ...(from[aspect] === undefined ? {} : { from: from[aspect] }),
      ...(to[aspect] === undefined ? {} : { to: to[aspect] }),
    }));
}

/**
 * What differs, sorted by name in the order of code units. Something added or removed has all its aspects,
 * something changed those that differ.
 */
export function compareRecords(before: Records, after: Records): Change[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name): Change[] => {
    const [from, to] = [before.get(name), after.get(name)];
    const aspects = compareTwo(from ?? {}, to ?? {});
    if (from === undefined) return [{ name, change: "added", aspects }];
    if (to === undefined) return [{ name, change: "removed", aspects }];
    return aspects.length === 0 ? [] : [{ name, change: "changed", aspects }];
  });
}
