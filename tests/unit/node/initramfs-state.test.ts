import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BOOT_STATE_OFFSETS, decodeBootState } from "../../../lib/emulator/boot-state.ts";
import { assetsRoot } from "../../../lib/external/assets.ts";

const SCRIPT = join(assetsRoot, "boards/rpi-arm64/initramfs-tools/scripts/local-bottom/home-pi");
const STATE = { BOOT_ORDER: "B A", BOOT_A_LEFT: "1", BOOT_B_LEFT: "2", FRESH: "1", CONTRACT: "1" };

const LIST = Object.entries(STATE)
  .map(([name, value]) => `${name}=${value}\0`)
  .join("");

/** One copy as mkenvimage makes it, padded with whatever byte the writer chose. */
function copy(padding: number): Buffer {
  const body = Buffer.alloc(508, padding);
  body.write(`${LIST}\0`, "latin1");
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(body));
  return Buffer.concat([crc, body]);
}

describe("the initramfs", () => {
  let folder: string;
  let card: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "state-"));
    card = join(folder, "card");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Its own functions, with a file for the disk and a folder for /run. */
  function run(commands: string): { status: number | null; text: string } {
    const script = readFileSync(SCRIPT, "utf8");
    const own = script.slice(script.indexOf("crc_of() {"), script.indexOf("kept_data() {"));
    const here = own.replaceAll("/run/", `${folder}/`).replaceAll(`"/dev/$disk"`, `"${card}"`);
    expect(own).toContain('"/dev/$disk"');
    const offsets = BOOT_STATE_OFFSETS.map((offset) => offset / 512).join(" ");
    const done = spawnSync("sh", ["-c", `STATE_COPIES="${offsets}"\n${here}\n${commands}`], {
      encoding: "utf8",
    });
    return { status: done.status, text: done.stdout };
  }

  function write(first: Buffer, second: Buffer): void {
    const bytes = Buffer.alloc(8 * 1024 * 1024);
    first.copy(bytes, BOOT_STATE_OFFSETS[0]);
    second.copy(bytes, BOOT_STATE_OFFSETS[1]);
    writeFileSync(card, bytes);
  }

  const copies = () => BOOT_STATE_OFFSETS.map((offset) => readFileSync(card).subarray(offset, offset + 512));

  it.each([0, 0xff])(
    "clears FRESH in both copies and leaves the rest, whatever the padding (%i)",
    (padding) => {
      write(copy(padding), copy(padding));
      expect(run("state_read && state_set_fresh_0")).toEqual({ status: 0, text: "" });
      for (const bytes of copies()) {
        expect(decodeBootState(bytes)).toEqual({ ...STATE, FRESH: "0" });
        // Nothing behind the end of the list, where a stricter reader would stumble.
        expect(bytes.subarray(4 + LIST.length).every((byte) => byte === 0)).toBe(true);
      }
    },
  );

  it("reads the second copy where the first is torn, and neither where both are", () => {
    const torn = copy(0);
    torn[100] = 1;
    write(torn, copy(0xff));
    expect(run(`state_read && cat "${folder}/state.txt"`).text.trim().split("\n")).toEqual(
      Object.entries(STATE).map(([name, value]) => `${name}=${value}`),
    );
    write(torn, torn);
    expect(run("state_read").status).toBe(1);
  });
});
