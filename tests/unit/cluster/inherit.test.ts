import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolveProfiles } from "../../../lib/cluster/inherit.ts";
import { definitionOf, profilesArbitrary, reversed } from "./definitions.ts";

function resolve(profiles: unknown) {
  return resolveProfiles(definitionOf({ profiles }).profiles);
}

describe("inheritance", () => {
  it("joins lists, the parent's first, each item once; the child's variables and settings win", () => {
    const resolved = resolve({
      agent: {
        extends: "node",
        role: "agent",
        packages: ["jq", "htop"],
        ansible: { vars: { a: { z: 1 } }, roles: ["./two", "./one"] },
        boot: { overlays: ["second", "first"], watchdog: false },
      },
      node: {
        abstract: true,
        board: "rpi-arm64",
        role: "server",
        packages: ["htop", "curl"],
        ansible: { vars: { a: { x: 1, y: 2 }, b: 2 }, roles: ["./one"] },
        boot: { overlays: ["first"], watchdog: true },
      },
    });
    expect(resolved.get("agent")).toEqual({
      abstract: false,
      board: "rpi-arm64",
      role: "agent",
      packages: ["htop", "curl", "jq"],
      ansible: { vars: { a: { z: 1 }, b: 2 }, roles: ["./one", "./two"] },
      boot: { overlays: ["first", "second"], watchdog: false },
    });
  });

  it("does not inherit abstract", () => {
    const resolved = resolve({ node: { abstract: true, board: "rpi-arm64" }, agent: { extends: "node" } });
    expect(resolved.get("agent")?.abstract).toBe(false);
    expect(resolved.get("node")?.abstract).toBe(true);
  });

  it("keeps a setting through a child that says nothing of it", () => {
    const resolved = resolve({
      a: { board: "rpi-arm64", role: "server", boot: { watchdog: false } },
      b: { extends: "a" },
      c: { extends: "b" },
    });
    expect(resolved.get("c")).toMatchObject({
      board: "rpi-arm64",
      role: "server",
      boot: { watchdog: false },
    });
  });

  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(profilesArbitrary, (profiles) => {
        const there = resolve(profiles);
        const back = resolve(reversed(profiles));
        expect(Object.fromEntries(back)).toEqual(Object.fromEntries(there));
      }),
    );
  });

  it("gives a child all of its parent's lists in their order, nothing twice, and its own variables", () => {
    fc.assert(
      fc.property(profilesArbitrary, (profiles) => {
        const resolved = resolve(profiles);
        for (const [name, raw] of Object.entries(profiles)) {
          const child = resolved.get(name);
          const parent = raw.extends === undefined ? undefined : resolved.get(raw.extends);
          const inherited = parent?.packages ?? [];
          expect(child?.packages.slice(0, inherited.length)).toEqual(inherited);
          expect(new Set(child?.packages).size).toBe(child?.packages.length);
          expect(new Set(child?.packages)).toEqual(new Set([...inherited, ...raw.packages]));
          expect(child?.ansible.vars).toEqual({ ...parent?.ansible.vars, ...raw.ansible.vars });
          expect(child?.board).toBe(raw.board ?? parent?.board);
        }
      }),
    );
  });
});
