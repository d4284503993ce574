import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareRecords, type Records } from "../../../lib/diff/records.ts";
import type { Change } from "../../../lib/diff/schema.ts";

const of = (entries: Readonly<Record<string, Readonly<Record<string, string>>>>): Records =>
  new Map(Object.entries(entries));

describe("records that are compared", () => {
  it.each<[string, Records, Records, Change[]]>([
    ["nothing and nothing", of({}), of({}), []],
    ["equal ones in another order", of({ a: { x: "1" }, b: {} }), of({ b: {}, a: { x: "1" } }), []],
    [
      "one that came, with all that is known of it",
      of({}),
      of({ a: { mode: "0644" } }),
      [{ name: "a", change: "added", aspects: [{ aspect: "mode", to: "0644" }] }],
    ],
    [
      "one that went",
      of({ a: { mode: "0644" } }),
      of({}),
      [{ name: "a", change: "removed", aspects: [{ aspect: "mode", from: "0644" }] }],
    ],
    [
      "only what differs, in the order of aspects",
      of({ a: { kind: "file", content: "1", mode: "0644" } }),
      of({ a: { kind: "file", content: "2", mode: "0755" } }),
      [
        {
          name: "a",
          change: "changed",
          aspects: [
            { aspect: "content", from: "1", to: "2" },
            { aspect: "mode", from: "0644", to: "0755" },
          ],
        },
      ],
    ],
    [
      "an aspect of one side only",
      of({ a: { target: "b" } }),
      of({ a: { size: "1" } }),
      [
        {
          name: "a",
          change: "changed",
          aspects: [
            { aspect: "target", from: "b" },
            { aspect: "size", to: "1" },
          ],
        },
      ],
    ],
  ])("%s", (_, before, after, expected) => expect(compareRecords(before, after)).toEqual(expected));
});

const aspects = fc.dictionary(fc.constantFrom("kind", "mode", "content"), fc.constantFrom("1", "2"), {
  noNullPrototype: true,
});
const names = fc.oneof(fc.constantFrom("/a", "/a/b", "/a-b", "__proto__"), fc.string());
const records = fc.array(fc.tuple(names, aspects)).map((entries): Records => new Map(entries));

/** `before` with the changes made to it. */
function apply(before: Records, changes: readonly Change[]): Records {
  const after = new Map(before);
  for (const { name, change, aspects: differing } of changes) {
    if (change === "removed") after.delete(name);
    else {
      const entry = { ...after.get(name) };
      for (const { aspect, to } of differing) {
        if (to === undefined) delete entry[aspect];
        else entry[aspect] = to;
      }
      after.set(name, entry);
    }
  }
  return after;
}

const sorted = (entries: Records) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

describe("any records", () => {
  it("differ in nothing from themselves", () => {
    fc.assert(
      fc.property(records, (one) => {
        expect(compareRecords(one, new Map(one))).toEqual([]);
      }),
    );
  });

  it("become the others when the changes are made", () => {
    fc.assert(
      fc.property(records, records, (before, after) => {
        expect(sorted(apply(before, compareRecords(before, after)))).toEqual(sorted(after));
      }),
    );
  });

  it("give the mirrored changes the other way round", () => {
    const mirrored = { added: "removed", removed: "added", changed: "changed" } as const;
    fc.assert(
      fc.property(records, records, (before, after) => {
        const there = compareRecords(before, after).map(({ name, change }) => [name, mirrored[change]]);
        const back = compareRecords(after, before).map(({ name, change }) => [name, change]);
        expect(back).toEqual(there);
      }),
    );
  });

  it("are told in the order of names, each once", () => {
    fc.assert(
      fc.property(records, records, (before, after) => {
        const told = compareRecords(before, after).map(({ name }) => name);
        expect(told).toEqual([...new Set(told)].sort());
      }),
    );
  });
});
