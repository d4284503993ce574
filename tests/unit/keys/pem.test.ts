import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyError } from "../../../lib/keys/failure.ts";
import { certificatesIn, derLength, readPem, toPem } from "../../../lib/keys/pem.ts";

const ours = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
const named = (text: string) => ({ text, what: "the key root-1", where: "/keys/root-1.pem" });

/** A DER octet string of the bytes. */
function octets(bytes: Uint8Array): Buffer {
  const { length } = bytes;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(4, ...head), bytes]);
}

function refusal(text: string): KeyError {
  try {
    readPem(named(text), "private key");
  } catch (error) {
    if (error instanceof KeyError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("PEM", () => {
  it("is written as openssl and Node write it, and read again", () => {
    const der = readPem(named(ours), "private key");
    expect(toPem("private key", der)).toBe(ours);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const der = octets(bytes);
        expect(derLength(der)).toBe(der.length);
        expect(readPem(named(toPem("certificate", der)), "certificate").equals(der)).toBe(true);
      }),
    );
  });

  it("may end its lines as Windows does, and have empty lines around it", () => {
    const text = `\r\n${ours.replaceAll("\n", "\r\n")}\r\n`;
    expect(readPem(named(text), "private key")).toEqual(readPem(named(ours), "private key"));
  });

  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const locked = { format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "secret" } as const;
  const longer = Buffer.concat([readPem(named(ours), "private key"), Buffer.of(0)]);
  it.each([
    ["nothing", "", "no PEM block"],
    ["no PEM", "hello", "no PEM block"],
    ["a cut off block", ours.slice(0, -30), "no PEM block"],
    ["two keys", ours + ours, "2 PEM blocks"],
    ["a remark before it", `my key\n${ours}`, "something besides the PEM block"],
    ["rubbish behind it", `${ours}x`, "something besides the PEM block"],
    [
      "another form",
      rsa.export({ format: "pem", type: "pkcs1" }).toString(),
      'a PEM block "RSA PRIVATE KEY"',
    ],
    ["a passphrase", rsa.export(locked).toString(), "it has a passphrase"],
    ["a byte behind the key", toPem("private key", longer), "something behind the content"],
    ["a byte missing", toPem("private key", longer.subarray(0, -2)), "cut off"],
    ["broken base64", ours.replace("\n-----END", "=\n-----END"), "broken base64"],
  ])("that is %s is refused, with its place and without its content", (_, text, why) => {
    const error = refusal(text);
    expect(error.code).toBe("UNREADABLE");
    expect(error.message).toContain("the key root-1 in /keys/root-1.pem: ");
    expect(error.message).toContain(why);
    expect(error.fix).toBeTruthy();
    const body = text.split("\n").find((line) => /^[A-Za-z0-9+/]{30,}/.test(line));
    if (body !== undefined) expect(JSON.stringify(error) + error.message).not.toContain(body);
  });

  it("of certificates may have remarks, as placeholder.pem has", () => {
    const one = toPem("certificate", octets(Buffer.of(1)));
    expect(certificatesIn(`# old\n${one}# new\n${one}`)).toEqual([one.trimEnd(), one.trimEnd()]);
    expect(certificatesIn(ours)).toEqual([]);
  });
});
