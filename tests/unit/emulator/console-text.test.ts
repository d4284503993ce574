import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConsoleText, LINE_LIMIT, plainText } from "../../../lib/emulator/console-text.ts";

function read(chunks: readonly Uint8Array[]): { lines: string[]; pending: string } {
  const lines: string[] = [];
  const text = new ConsoleText((line) => lines.push(line));
  for (const chunk of chunks) text.push(chunk);
  return { lines, pending: text.pending };
}

/** Cuts bytes at the given places, which may repeat and lie anywhere. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
}

const piece = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "\r\n",
    "\n",
    "\r\r\n",
    "\u001b[0;32m  OK  \u001b[0m",
    "\u001b]3008;start=1\u001b\\",
    "login: ",
  ),
);

describe("ConsoleText", () => {
  it("gives the same lines however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat()), (pieces, places) => {
        const bytes = new TextEncoder().encode(pieces.join(""));
        expect(read(cut(bytes, places))).toEqual(read([bytes]));
      }),
    );
  });

  it("loses and adds nothing of plain lines", () => {
    const line = fc.string().map((text) => text.replace(/[^ -~]/g, ""));
    fc.assert(
      fc.property(fc.array(line), line, fc.array(fc.nat()), (lines, rest, places) => {
        const bytes = new TextEncoder().encode(lines.map((text) => `${text}\r\n`).join("") + rest);
        expect(read(cut(bytes, places))).toEqual({ lines, pending: rest });
      }),
    );
  });

  it("shows a prompt that has no newline, and makes a line of it at the end", () => {
    const lines: string[] = [];
    const text = new ConsoleText((line) => lines.push(line));
    text.push(new TextEncoder().encode("Debian GNU/Linux 13\r\n\u001b[1mhome-pi login: "));
    expect(text.pending).toBe("home-pi login: ");
    expect(lines).toEqual(["Debian GNU/Linux 13"]);
    text.end();
    expect(lines).toEqual(["Debian GNU/Linux 13", "home-pi login: "]);
    expect(text.pending).toBe("");
  });

  it("cuts noise without an end, so that memory stays bounded", () => {
    const { lines, pending } = read([new Uint8Array(LINE_LIMIT * 2 + 5).fill(0x61)]);
    expect(lines.map((line) => line.length)).toEqual([LINE_LIMIT, LINE_LIMIT]);
    expect(pending).toBe("aaaaa");
  });
});

describe("plainText", () => {
  it.each([
    ["[\u001b[0;32m  OK  \u001b[0m] Started ssh.service", "[  OK  ] Started ssh.service"],
    ["\u001b7\u001b[r\u001b[999;999H\u001b[6n\u001b8text", "text"],
    ["\u001b]3008;start=abc;type=boot\u001b\\text", "text"],
    ["\u001b]0;title\u0007text", "text"],
    ["Hit any key: 2 \b\b\b 1", "Hit any key: 2  1"],
    ["tab\tstays", "tab\tstays"],
  ])("%j becomes %j", (raw, plain) => expect(plainText(raw)).toBe(plain));
});
