import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  hostArch,
  type Pins,
  parsePins,
  parseSums,
  pinsPath,
  planPins,
  readPins,
} from "../../../lib/image/provision/packer/pins.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const C = "c".repeat(64);

const text = await readFile(pinsPath, "utf8");
const committed = await readPins();

function sumsOf(pins: Pins): { packer: Map<string, string>; plugin: Map<string, string> } {
  const sums = (tool: "packer" | "plugin"): Map<string, string> =>
    parseSums(
      Object.values(pins[tool].files)
        .map(({ url, sha256 }, at) => `${sha256 ?? (at === 0 ? A : B)}  ${url.split("/").at(-1)}`)
        .join("\n"),
    );
  return { packer: sums("packer"), plugin: sums("plugin") };
}

describe("packer/pins.json", () => {
  test("is as ./pi pin packer writes it, and names one version throughout", () => {
    expect(`${JSON.stringify(committed, null, 2)}\n`).toBe(text);
    for (const tool of ["packer", "plugin"] as const) {
      const { version, sums, files } = committed[tool];
      for (const { url } of Object.values(files)) expect(url).toContain(version);
      expect(sums).toContain(version);
    }
  });

  test.each([
    [
      (pins: Pins) => ({ ...pins, packer: { ...pins.packer, version: "1.16" } }),
      /packer\.version: a version such as/,
    ],
    [(pins: Pins) => ({ ...pins, more: 1 }), /Unrecognized key/],
    [
      (pins: Pins) => {
        const next = structuredClone(pins);
        next.plugin.files.x64.sha256 = "ABC";
        return next;
      },
      /plugin\.files\.x64\.sha256: 64 lower-case hex digits/,
    ],
    [
      (pins: Pins) => {
        const next = structuredClone(pins);
        next.packer.files.arm64.url = next.packer.files.arm64.url.replace("https", "http");
        return next;
      },
      /packer\.files\.arm64\.url/,
    ],
  ])("a wrong one is refused with the place: %#", (change, problem) => {
    const wrong = JSON.stringify(change(committed));
    try {
      parsePins(wrong, "packer/pins.json");
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "PINS", place: { file: "packer/pins.json" } });
      expect((error as { details: string[] }).details.join("\n")).toMatch(problem);
    }
  });

  test("no JSON at all", () => {
    expect(() => parsePins("{", "pins.json")).toThrow("not JSON");
  });
});

describe("planPins", () => {
  const unpinned = structuredClone(committed);
  unpinned.plugin.files.x64.sha256 = null;
  unpinned.plugin.files.arm64.sha256 = null;

  test("fills in what is absent, and only that", () => {
    const plan = planPins(unpinned, sumsOf(unpinned));
    expect(plan.changes).toEqual([
      { tool: "plugin", arch: "x64", sha256: A },
      { tool: "plugin", arch: "arm64", sha256: B },
    ]);
    expect(plan.pins.packer).toEqual(unpinned.packer);
    expect(plan.pins.plugin.files.arm64.sha256).toBe(B);
    expect(unpinned.plugin.files.arm64.sha256).toBeNull();
    expect(planPins(plan.pins, sumsOf(plan.pins)).changes).toEqual([]);
  });

  test("a publisher who changed a file is an error, never a new pin", () => {
    const sums = sumsOf(committed);
    for (const name of sums.packer.keys()) sums.packer.set(name, C);
    expect(() => planPins(committed, sums)).toThrow(/is pinned to 5edcd14a\w+, its publisher now says c{64}/);
  });

  test("a list that does not name the file", () => {
    expect(() => planPins(unpinned, { ...sumsOf(unpinned), plugin: new Map() })).toThrow(
      /does not name packer-plugin/,
    );
  });
});

describe("small parts", () => {
  test("parseSums takes both forms of a line and leaves out others", () => {
    const sums = parseSums(`${A}  one.zip\n${B} *two.zip\r\n# three\nxyz  four.zip\n`);
    expect([...sums]).toEqual([
      ["one.zip", A],
      ["two.zip", B],
    ]);
  });

  test("hostArch knows where packer is pinned for", () => {
    expect(hostArch("x64")).toBe("x64");
    expect(() => hostArch("riscv64")).toThrow(/this machine is riscv64/);
  });
});
