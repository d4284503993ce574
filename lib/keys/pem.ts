import { KeyError } from "./failure.ts";

export type PemKind = "private key" | "certificate";

const LABELS: Readonly<Record<PemKind, string>> = {
  "private key": "PRIVATE KEY",
  certificate: "CERTIFICATE",
};
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+?)-----END \1-----/g;

/** A thing in PEM, and how messages call it and its place. */
export interface PemText {
  readonly text: string;
  /** `the key root-1`. */
  readonly what: string;
  /** A path, or `the secret PI_KEY_TARGETS`. */
  readonly where: string;
}

function refuse({ what, where }: PemText, why: string, fix: string): KeyError {
  return new KeyError("UNREADABLE", `${what} in ${where}: ${why}`, { fix });
}

/** The bytes a DER value says it has, its head included; 0 where the head makes no sense. */
export function derLength(der: Uint8Array): number {
  const first = der[1] ?? 0x80;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 3) return 0;
  return der.subarray(2, 2 + count).reduce((length, byte) => length * 256 + byte, 0) + 2 + count;
}

/**
 * The DER bytes of the one block a PEM text holds. Throws KeyError UNREADABLE: no block, several, another kind, an
 * encrypted key, or anything before, behind or inside that does not belong there.
 */
export function readPem(pem: PemText, kind: PemKind): Buffer {
  const label = LABELS[kind];
  const blocks = [...pem.text.matchAll(BLOCK)];
  const [block] = blocks;
  const expected = `one PEM block "BEGIN ${label}" is expected`;
  if (block === undefined) throw refuse(pem, `no PEM block; ${expected}`, "is this the right file?");
  if (blocks.length > 1) throw refuse(pem, `${blocks.length} PEM blocks; ${expected}`, "keep one of them");
  if (block[1] === "ENCRYPTED PRIVATE KEY") {
    const fix = "openssl pkcs8 -in FILE -out NEW takes the passphrase off; keep the result 0600";
    throw refuse(pem, "it has a passphrase, and nobody is there to be asked", fix);
  }
  if (block[1] !== label)
    throw refuse(pem, `a PEM block "${block[1]}"; ${expected}`, "is this the right file?");
  if (pem.text.replace(block[0], "").trim() !== "") {
    throw refuse(pem, "something besides the PEM block", "remove what stands before and behind it");
  }
  const base64 = (block[2] ?? "").replace(/[\r\n]/g, "");
  const der = Buffer.from(base64, "base64");
  if (der.toString("base64") !== base64) throw refuse(pem, "broken base64", "take it from your backup");
  if (derLength(der) !== der.length) {
    throw refuse(pem, "cut off, or something behind the content", "take it from your backup");
  }
  return der;
}

/** Every certificate of a public PEM file; text between them is let be, as openssl does. */
export function certificatesIn(text: string): string[] {
  return [...text.matchAll(BLOCK)]
    .filter((block) => block[1] === LABELS.certificate)
    .map((block) => block[0]);
}

/** PEM of DER bytes, as openssl writes it: lines of 64 characters. */
export function toPem(kind: PemKind, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${LABELS[kind]}-----`, ...lines, `-----END ${LABELS[kind]}-----`, ""].join("\n");
}
