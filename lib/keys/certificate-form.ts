import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Certificate, RelativeDistinguishedNames } from "pkijs";
import { oids } from "./oids.ts";

/** What shapes a certificate of ours. All of them are EC P-256, signed with ECDSA and SHA-256. */
export interface CertificateForm {
  readonly commonName: string;
  /** Undefined: it signs itself, and is a CA. */
  readonly issuer: Certificate | undefined;
  readonly from: Date;
  readonly until: Date;
  readonly publicKey: KeyObject;
  readonly signedWith: KeyObject;
  /** Of a leaf: what it is good for besides `digitalSignature`. */
  readonly extendedKeyUsage: readonly string[];
}

/** From this year on certificates write years with four digits (RFC 5280, 4.1.2.5). */
const FOUR_DIGITS_FROM = 2050;
const SERIAL_BYTES = 16;

/** Loaded where they are used: `./pi plan` has no need of them. */
export const libraries = () => Promise.all([import("pkijs"), import("asn1js")]);

/** Bytes in the form the libraries take. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** DER of a certificate. */
export async function encodeCertificate(form: CertificateForm): Promise<Buffer> {
  const [pkijs, asn1] = await libraries();
  const certificate = new pkijs.Certificate();
  certificate.version = 2;
  certificate.serialNumber = new asn1.Integer({ valueHex: bufferOf(randomSerial()) });
  certificate.subject = await nameOf(form.commonName);
  certificate.issuer = form.issuer?.subject ?? certificate.subject;
  certificate.notBefore = await timeOf(form.from);
  certificate.notAfter = await timeOf(form.until);
  const spki = form.publicKey.export({ format: "der", type: "spki" });
  certificate.subjectPublicKeyInfo = pkijs.PublicKeyInfo.fromBER(bufferOf(spki));
  certificate.extensions = await extensionsOf(form, certificate);
  const algorithm = new pkijs.AlgorithmIdentifier({ algorithmId: oids.ecdsaWithSha256 });
  certificate.signature = algorithm;
  certificate.signatureAlgorithm = algorithm;
  certificate.tbsView = new Uint8Array(certificate.encodeTBS().toBER());
  const signature = sign("sha256", certificate.tbsView, form.signedWith);
  certificate.signatureValue = new asn1.BitString({ valueHex: bufferOf(signature) });
  return Buffer.from(certificate.toSchema(false).toBER());
}

/** Positive, and of the same length each time: the first byte is 64 to 127. */
function randomSerial(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

async function nameOf(commonName: string): Promise<RelativeDistinguishedNames> {
  const [pkijs, asn1] = await libraries();
  const value = new asn1.Utf8String({ value: commonName });
  const typesAndValues = [new pkijs.AttributeTypeAndValue({ type: oids.commonName, value })];
  return new pkijs.RelativeDistinguishedNames({ typesAndValues });
}

async function timeOf(value: Date) {
  const [pkijs] = await libraries();
  return new pkijs.Time({ type: value.getUTCFullYear() < FOUR_DIGITS_FROM ? 0 : 1, value });
}

async function extensionsOf({ issuer, extendedKeyUsage }: CertificateForm, certificate: Certificate) {
  const [pkijs, asn1] = await libraries();
  const made = (extnID: string, critical: boolean, value: { toBER(): ArrayBuffer }) =>
    new pkijs.Extension({ extnID, critical, extnValue: value.toBER() });
  const bits = (byte: number, unusedBits: number) =>
    new asn1.BitString({ valueHex: bufferOf(Buffer.of(byte)), unusedBits });
  const own = made(
    oids.subjectKeyIdentifier,
    false,
    new asn1.OctetString({ valueHex: keyIdentifier(certificate) }),
  );
  if (issuer === undefined) {
    // It may sign leaves, and nothing below them: a path length of 0.
    const ca = [new asn1.Boolean({ value: true }), new asn1.Integer({ value: 0 })];
    return [
      made(oids.basicConstraints, true, new asn1.Sequence({ value: ca })),
      made(oids.keyUsage, true, bits(KEY_CERT_SIGN | CRL_SIGN, 1)),
      own,
    ];
  }
  const keyIdentifierOfIssuer = new asn1.OctetString({ valueHex: keyIdentifier(issuer) });
  const authority = new pkijs.AuthorityKeyIdentifier({ keyIdentifier: keyIdentifierOfIssuer });
  return [
    made(oids.basicConstraints, true, new asn1.Sequence({ value: [] })),
    made(oids.keyUsage, true, bits(DIGITAL_SIGNATURE, 7)),
    made(
      oids.extendedKeyUsage,
      false,
      new pkijs.ExtKeyUsage({ keyPurposes: [...extendedKeyUsage] }).toSchema(),
    ),
    own,
    made(oids.authorityKeyIdentifier, false, authority.toSchema()),
  ];
}

const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;
const CRL_SIGN = 0x02;
const KEY_IDENTIFIER_BYTES = 20;

/** The first 160 bits of SHA-256 over the public key (RFC 7093, method 1). */
export function keyIdentifier(certificate: Certificate): ArrayBuffer {
  const key = certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  return bufferOf(createHash("sha256").update(key).digest().subarray(0, KEY_IDENTIFIER_BYTES));
}
