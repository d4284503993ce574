import fc from "fast-check";
import { clusterSchema, type Definition } from "../../../lib/cluster/schema.ts";

/** A profile as a file may have it. */
export interface RawProfile {
  readonly abstract: boolean;
  readonly extends?: string;
  readonly board?: string;
  readonly role?: string;
  readonly packages: readonly string[];
  readonly ansible: { readonly vars: Record<string, unknown>; readonly roles: readonly string[] };
  readonly boot: { readonly overlays: readonly string[]; readonly watchdog?: boolean };
}

const packages = fc.array(fc.constantFrom("htop", "jq", "ethtool", "curl", "vim", "git"), { maxLength: 4 });
const roles = fc.array(fc.constantFrom("./one", "./two", "./three"), { maxLength: 3 });
const overlays = fc.array(fc.constantFrom("disable-bt", "i2c", "spi"), { maxLength: 3 });
const vars = fc.dictionary(fc.constantFrom("a", "b", "c", "constructor"), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 3,
});

const profile = fc.record(
  {
    abstract: fc.boolean(),
    board: fc.constantFrom("rpi-arm64", "virt"),
    role: fc.constantFrom("server", "agent"),
    packages,
    ansible: fc.record({ vars, roles }),
    boot: fc.record({ overlays, watchdog: fc.boolean() }, { requiredKeys: ["overlays"] }),
  },
  { requiredKeys: ["abstract", "packages", "ansible", "boot"] },
);

/** Profiles p0, p1 ...: each may extend an earlier one, roots have a board, the last one is built. */
export const profilesArbitrary: fc.Arbitrary<Record<string, RawProfile>> = fc
  .array(fc.tuple(profile, fc.option(fc.nat())), { minLength: 1, maxLength: 8 })
  .map((drawn) => {
    const entries = drawn.map(([one, parent], index): [string, RawProfile] => {
      if (parent === null || index === 0) return [`p${index}`, { board: "rpi-arm64", ...one }];
      return [`p${index}`, { ...one, extends: `p${parent % index}` }];
    });
    return Object.fromEntries(
      entries.map(([name, one], i) => [name, i === entries.length - 1 ? { ...one, abstract: false } : one]),
    );
  });

export function definitionOf(raw: Record<string, unknown>): Definition {
  return clusterSchema.parse({ cluster: "home", ...raw });
}

/** The same value with the keys of every map in another order. */
export function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}
