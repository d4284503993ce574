import { describe, expect, it } from "vitest";
import { ConsoleText } from "../../../lib/emulator/console-text.ts";
import { Course } from "../../../lib/emulator/course.ts";

/** The events of what comes over the line, in the pieces it comes in. */
function eventsOf(...pieces: string[]): readonly string[] {
  const course = new Course();
  const text = new ConsoleText((line) => course.line(line));
  for (const piece of pieces) {
    text.push(Buffer.from(piece));
    course.unfinished(text.pending);
  }
  return course.events;
}

describe("Course", () => {
  it("tells a start from a reset to the next slot", () => {
    const text = [
      "In:    serial",
      "home-pi: boot script, disk mmc 0",
      "home-pi: boot state at block 0x10 is damaged",
      "home-pi: boot state at block 0x2000 is damaged",
      "home-pi: slot A, 2 attempts left after this one",
      "home-pi: slot A did not start",
      "resetting ...",
      "In:    serial",
      "home-pi: no slot has attempts left, from the top",
      "In:    serial",
      "home-pi: slot B, 1a attempts left after this one",
      "Starting kernel ...",
      "",
    ];
    expect(eventsOf(text.join("\r\n"))).toEqual([
      ...["start", "copy 1 damaged", "copy 2 damaged", "slot A, 2 left", "slot A failed"],
      ...["start", "no slot left", "start", "slot B, 1a left", "kernel"],
    ]);
  });

  it("hears a prompt once, however its bytes come and whatever is typed at it", () => {
    expect(eventsOf("U-", "Boot>", " ", "x\r\n")).toEqual(["prompt"]);
    expect(eventsOf("home-pi login:", " ", "\r\n")).toEqual(["login"]);
    expect(eventsOf("U-Boot> ", "\r\nU-Boot> ")).toEqual(["prompt", "prompt"]);
  });

  it("hears a panic once, and goes on", () => {
    const lines = [
      "Kernel panic - not syncing: x",
      "---[ end Kernel panic - not syncing: x ]---",
      "In:    serial",
    ];
    expect(eventsOf(lines.map((line) => `${line}\r\n`).join(""))).toEqual(["panic", "start"]);
  });

  it("says nothing of half a line that is no prompt", () => {
    expect(eventsOf("home-pi: slot A, 2 attempts left after th")).toEqual([]);
  });
});
