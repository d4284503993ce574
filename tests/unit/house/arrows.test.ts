import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, read, repository, typescript } from "./sources.ts";

const BASE = ["lib/external", "lib/failure.ts"];
const AREAS = [
  "lib/cluster",
  "lib/keys",
  "lib/image",
  "lib/emulator",
  "lib/diff",
  "lib/release",
  "lib/manifest",
  "lib/rehearsal",
];

/** Whom each room may use besides itself. Areas of lib use those above them, in the order of the list. */
const may: Readonly<Record<string, readonly string[]>> = {
  "lib/failure.ts": [],
  "lib/external": ["lib/failure.ts"],
  "lib/progress": BASE,
  ...Object.fromEntries(AREAS.map((area, at) => [area, [...AREAS.slice(0, at), ...BASE, "lib/progress"]])),
  cli: ["lib", "workbench", "scripts"],
  actions: ["lib"],
  updater: ["lib/manifest", ...BASE],
  scripts: ["lib", "cli/context.ts"],
  workbench: ["lib"],
  bench: ["lib", "cli", "workbench", "scripts"],
  tests: ["lib", "cli", "actions", "updater", "scripts", "workbench", "bench"],
};

const isIn = (path: string, room: string): boolean => path === room || path.startsWith(`${room}/`);

/** The room of a file: an area of lib, or a folder of the house. */
function roomOf(path: string): string | undefined {
  return Object.keys(may).find((room) => isIn(path, room));
}

/** What a file may not use, as `file -> what it uses`. */
function wrongArrows(path: string, text: string): string[] {
  const room = roomOf(path);
  if (room === undefined) return [];
  const used = importsOf(text).filter((name) => name.startsWith("."));
  return used
    .map((name) => normalize(join(dirname(path), name)))
    .filter((target) => !isIn(target, room) && !(may[room] ?? []).some((allowed) => isIn(target, allowed)))
    .map((target) => `${path} -> ${target}`);
}

describe("the arrows of the house", () => {
  it("all point the right way", () => {
    expect(typescript.flatMap((path) => wrongArrows(path, read(path)))).toEqual([]);
  });

  it("lead from every room there is", () => {
    const homeless = typescript.filter((path) => path.includes("/") && roomOf(path) === undefined);
    expect(homeless).toEqual([]);
    expect(typescript.length).toBeGreaterThan(100);
  });

  it("lead to files that are there", () => {
    // This file names some that are not, as examples.
    const others = typescript.filter((path) => path !== "tests/unit/house/arrows.test.ts");
    const missing = others.flatMap((path) =>
      importsOf(read(path))
        .filter((name) => name.startsWith("."))
        .map((name) => normalize(join(dirname(path), name)))
        .filter((target) => !existsSync(join(repository, target)))
        .map((target) => `${path} -> ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it.each([
    ["lib/cluster/a.ts", 'import { b } from "../image/b.ts";'],
    ["lib/image/base/a.ts", 'import type { B } from "../../emulator/b.ts";'],
    ["lib/external/a.ts", 'export { b } from "../progress/b.ts";'],
    ["lib/progress/a.ts", 'import "../cluster/b.ts";'],
    ["lib/image/a.ts", 'const { b } = await import("../../cli/b.ts");'],
    ["cli/a.ts", 'import {\n  b,\n  c,\n} from "../actions/runner/b.ts";'],
    ["actions/one/a.ts", 'import { b } from "../../cli/b.ts";'],
    ["actions/one/a.ts", 'import { b } from "../../workbench/b.ts";'],
    ["workbench/a.ts", 'import { b } from "../cli/b.ts";'],
  ])("that point the wrong way are seen: %s, %s", (path, text) => {
    expect(wrongArrows(path, text)).toHaveLength(1);
  });

  it.each([
    ["lib/emulator/a.ts", 'import { b } from "../image/tools/b.ts";'],
    ["lib/image/base/a.ts", 'import { b } from "../../cluster/b.ts";'],
    ["cli/a.ts", 'import { b } from "../lib/emulator/b.ts";'],
    ["actions/one/a.ts", 'import { b } from "../runner/b.ts";'],
  ])("that point the right way are let be: %s, %s", (path, text) => {
    expect(wrongArrows(path, text)).toEqual([]);
  });
});

describe("the doors to the outside", () => {
  it("are in lib/external alone: processes and network", () => {
    // What stands in for the outside, in the workbench and in tests, is the outside.
    const door = /^(node:)?(child_process|net|https?|http2|dgram|tls|dns)(\/promises)?$/;
    const others = typescript.filter(
      (path) =>
        !/^(tests|workbench|lib\/external)\//.test(path) &&
        importsOf(read(path)).some((name) => door.test(name)),
    );
    expect(others).toEqual([]);
    const fetching = typescript.filter(
      (path) => !/^(tests|workbench|lib\/external)\//.test(path) && /(?<![.\w])fetch\(/.test(read(path)),
    );
    expect(fetching).toEqual([]);
  });
});
