import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "./sources.ts";

const folder = join(repository, "tools/keyring");
const PUBLIC_KEY = 6;
const PUBLIC_SUBKEY = 14;

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
}

/** The packets of an OpenPGP file (RFC 9580, section 4.2), old and new format, no partial lengths. */
function* packets(data: Buffer): Generator<Packet> {
  let at = 0;
  while (at < data.length) {
    const header = data.readUInt8(at);
    if ((header & 0x80) === 0) throw new Error(`no packet at byte ${at}`);
    const { tag, length, start } = (header & 0x40) === 0 ? oldLength(data, at) : newLength(data, at);
    const body = data.subarray(start, start + length);
    if (body.length !== length) throw new Error(`the packet at byte ${at} is cut off`);
    yield { tag, body };
    at = start + length;
  }
}

function oldLength(data: Buffer, at: number) {
  const header = data.readUInt8(at);
  const bytes = [1, 2, 4][header & 3];
  if (bytes === undefined) throw new Error("a packet without length");
  return { tag: (header >> 2) & 15, length: data.readUIntBE(at + 1, bytes), start: at + 1 + bytes };
}

function newLength(data: Buffer, at: number) {
  const tag = data.readUInt8(at) & 63;
  const first = data.readUInt8(at + 1);
  if (first < 192) return { tag, length: first, start: at + 2 };
  if (first < 224) return { tag, length: ((first - 192) << 8) + data.readUInt8(at + 2) + 192, start: at + 3 };
  if (first !== 255) throw new Error("a partial length");
  return { tag, length: data.readUInt32BE(at + 2), start: at + 6 };
}

/** Of a version 4 key: SHA-1 over 0x99, the length in two bytes, and the key packet. */
function fingerprint(body: Buffer): string {
  expect(body.readUInt8(0)).toBe(4);
  const head = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
  return createHash("sha1").update(head).update(body).digest("hex").toUpperCase();
}

function documented(): Map<string, string> {
  const rows = readFileSync(join(folder, "README.md"), "utf8").matchAll(
    /^\| *(\S+\.gpg) *\| *([0-9A-F ]+?) *\|$/gm,
  );
  return new Map([...rows].map(([, file = "", print = ""]) => [file, print.replaceAll(" ", "")]));
}

describe("the archive's keys that are brought along", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".gpg"));

  it("are the documented ones, and no others", () => {
    expect(files.sort()).toEqual([...documented().keys()].sort());
    expect(files).toHaveLength(3);
    expect(readdirSync(folder).sort()).toEqual(["README.md", ...files].sort());
  });

  it.each(files)("%s holds one key, with the documented fingerprint", (name) => {
    const all = [...packets(readFileSync(join(folder, name)))];
    const keys = all.filter(({ tag }) => tag === PUBLIC_KEY);
    expect(keys.map(({ body }) => fingerprint(body))).toEqual([documented().get(name)]);
    // User ids, signatures, subkeys and attributes: no secret key, no foreign packet.
    expect(all.filter(({ tag }) => ![PUBLIC_KEY, 2, 13, PUBLIC_SUBKEY, 17].includes(tag))).toEqual([]);
  });

  it("would not pass with one bit changed", () => {
    const data = readFileSync(join(folder, files[0] ?? ""));
    const [key] = [...packets(data)];
    const changed = Buffer.from(key?.body ?? "");
    changed.writeUInt8(changed.readUInt8(40) ^ 1, 40);
    expect([...documented().values()]).not.toContain(fingerprint(changed));
  });
});
