import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parsePackerLine } from "../../../lib/image/provision/packer/messages.ts";
import { recordings } from "./recorded.ts";

const say = (text: string): string => `1795358912,,ui,say,2026-11-22T14:48:32Z: ==> arm.node: ${text}`;

describe("parsePackerLine", () => {
  test("takes commas and line breaks apart, and keeps the literal form", () => {
    const event = parsePackerLine(say('fatal: [x]: FAILED! => {"a": "b\\n"%!(PACKER_COMMA) "c": 1}'));
    expect(event).toEqual({
      kind: "say",
      at: 1795358912,
      text: 'fatal: [x]: FAILED! => {"a": "b\n", "c": 1}',
      literal: 'fatal: [x]: FAILED! => {"a": "b\\n", "c": 1}',
      fromBuilder: true,
    });
  });

  test("strips the builder's name from every line of a text", () => {
    const event = parsePackerLine(
      say("dd output: 0+0 records in\\n==> arm.node: 0+0 records out\\n==> arm.node:"),
    );
    expect(event).toMatchObject({ text: "dd output: 0+0 records in\n0+0 records out" });
  });

  test("leaves text of packer itself alone", () => {
    const line =
      "1795358502,,ui,error,Error: Missing plugins\\n\\n* github.com/mkaczanowski/arm >= 1.1.6\\n\\n";
    expect(parsePackerLine(line)).toMatchObject({
      kind: "error",
      fromBuilder: false,
      text: "Error: Missing plugins\n\n* github.com/mkaczanowski/arm >= 1.1.6",
    });
  });

  test("reads artifacts, counts and build errors", () => {
    expect(parsePackerLine("1,arm.node,artifact-count,1")).toBeUndefined();
    expect(parsePackerLine("1795358928,arm.node,artifact-count,1")).toEqual({
      kind: "count",
      of: "artifact",
      count: 1,
    });
    expect(parsePackerLine("1795358928,,error-count,2")).toEqual({ kind: "count", of: "error", count: 2 });
    const file = parsePackerLine("1795358928,arm.node,artifact,0,file,0,/a%!(PACKER_COMMA)b.img");
    expect(file).toEqual({ kind: "artifact", field: "file", values: ["0", "/a,b.img"] });
    const error = parsePackerLine("1795358928,arm.node,error,build was halted");
    expect(error).toEqual({ kind: "build-error", target: "arm.node", text: "build was halted" });
  });

  test.each([
    "",
    "plain text",
    "1795358928,,version,1.16.0",
    "1795358928,,ui",
    "1795358928",
    "1795358928,,error-count,x",
  ])("has no use for %j", (line) => expect(parsePackerLine(line)).toBeUndefined());

  test("shortens a line of a megabyte, both ends kept", () => {
    const event = parsePackerLine(
      say(`error while unpacking${"tar: No space left on device\\n".repeat(40_000)}the end`),
    );
    if (event?.kind !== "say") throw new Error("not said");
    expect(event.text.length).toBeLessThan(80_000);
    expect(event.text).toMatch(/^error while unpacking/);
    expect(event.text).toMatch(/the end$/);
  });

  test.each(recordings)("knows every line of %s", (name) => {
    const text = readFileSync(join(import.meta.dirname, "fixtures", `${name}.log`), "utf8");
    const unknown = text.split("\n").filter((line) => line !== "" && parsePackerLine(line) === undefined);
    expect(unknown).toEqual([]);
  });
});
