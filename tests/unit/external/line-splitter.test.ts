import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lineSplitter } from "../../../lib/external/process.ts";

function split(chunks: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  const splitter = lineSplitter((line) => void lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

/** The same bytes, cut where the numbers say. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const cuts = fc.array(fc.nat(), { maxLength: 20 });

describe("lines of a byte stream", () => {
  it("are the same however the stream was cut, inside a character too", () => {
    const line = fc.string({ unit: "binary" }).map((text) => text.replace(/[\r\n\uFEFF]/g, "ö€𝄞"));
    fc.assert(
      fc.property(fc.array(line), cuts, (lines, at) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        expect(split(cut(bytes, at))).toEqual(bytes.toString("utf8").split("\n").slice(0, -1));
      }),
    );
  });

  it("lose nothing of bytes that are no text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (array, at) => {
        const bytes = Buffer.from(array.filter((byte) => byte !== 13 && byte !== 10 && byte !== 0xef));
        const whole = new TextDecoder().decode(bytes);
        expect(split(cut(bytes, at))).toEqual(whole === "" ? [] : [whole]);
      }),
    );
  });

  it("end at CR LF as well", () => {
    expect(split([Buffer.from("a\r"), Buffer.from("\nb\r\n\r\nc")])).toEqual(["a", "b", "", "c"]);
  });

  it("are cut where no end comes in a mebibyte", () => {
    const chunk = Buffer.alloc(512 * 1024, "x");
    const lines = split([chunk, chunk, chunk, Buffer.from("y\nz")]);
    expect(lines.join("|").replaceAll(/x+/g, "x")).toBe("x|y|z");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2 * 1024 * 1024);
  });
});
