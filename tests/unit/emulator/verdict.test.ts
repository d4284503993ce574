import { describe, expect, it } from "vitest";
import { readInput } from "../../../lib/emulator/attach.ts";
import { checkRows } from "../../../lib/emulator/verdict.ts";

describe("checkRows", () => {
  it("says what was expected only where it was not found, and shortens long values", () => {
    const id = "ab".repeat(32);
    expect(
      checkRows([
        { name: "build id", ok: true, expected: id, actual: id },
        { name: "slot", ok: false, expected: "A", actual: "B" },
      ]),
    ).toEqual([
      ["ok", "build id", `${id.slice(0, 45)}...`, ""],
      ["FAILED", "slot", "B", "A"],
    ]);
  });
});

describe("readInput", () => {
  it("sends what is typed, Ctrl-C too", () => {
    expect(readInput("ls\r")).toEqual({ send: "ls\r", leave: false });
    expect(readInput("\u0003")).toEqual({ send: "\u0003", leave: false });
  });

  it("leaves at Ctrl-], and sends what was typed before it", () => {
    expect(readInput("x\u001dy")).toEqual({ send: "x", leave: true });
  });
});
