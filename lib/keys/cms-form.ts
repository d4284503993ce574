import type { SignedData } from "pkijs";
import { bufferOf, libraries } from "./certificate-form.ts";
import { oids } from "./oids.ts";

/** All that differs between two signatures of ours. */
export interface SignatureParts {
  /** DER of the leaf. */
  readonly certificate: Uint8Array;
  /** SHA-256 of the content. */
  readonly digest: Uint8Array;
  /** ECDSA over the signed attributes, DER. */
  readonly signature: Uint8Array;
}

const algorithm = async (algorithmId: string) => {
  const [pkijs] = await libraries();
  // Without parameters (RFC 5754): openssl reads over a NULL there, whatever is in its place.
  return new pkijs.AlgorithmIdentifier({ algorithmId });
};

async function attributesOf(digest: Uint8Array) {
  const [pkijs, asn1] = await libraries();
  const type = new asn1.ObjectIdentifier({ value: oids.data });
  const value = new asn1.OctetString({ valueHex: bufferOf(digest) });
  // In the order DER wants them in a set.
  return [
    new pkijs.Attribute({ type: oids.contentType, values: [type] }),
    new pkijs.Attribute({ type: oids.messageDigest, values: [value] }),
  ];
}

/** The bytes a signature is over: the signed attributes as a set (RFC 5652, 5.4). */
export async function signedBytes(digest: Uint8Array): Promise<Buffer> {
  const [, asn1] = await libraries();
  const value = (await attributesOf(digest)).map((attribute) => attribute.toSchema());
  return Buffer.from(new asn1.Set({ value }).toBER());
}

/** The subject key identifier a certificate names; undefined where it names none. */
async function identifierIn(certificate: Uint8Array): Promise<ArrayBuffer | undefined> {
  const [pkijs, asn1] = await libraries();
  const { extensions } = pkijs.Certificate.fromBER(bufferOf(certificate));
  const found = extensions?.find(({ extnID }) => extnID === oids.subjectKeyIdentifier)?.parsedValue;
  return found instanceof asn1.OctetString ? found.getValue() : undefined;
}

/**
 * DER of the one form our signatures have: detached, one signer, one certificate, nothing that is not signed. The
 * signer is named by its key identifier and not by its issuer's name: openssl compares names without regard to case.
 * Throws Error where the certificate has no key identifier.
 */
export async function encodeSignature(parts: SignatureParts): Promise<Buffer> {
  const [pkijs, asn1] = await libraries();
  const identifier = await identifierIn(parts.certificate);
  if (identifier === undefined) throw new Error("a certificate without subjectKeyIdentifier");
  const signerInfo = new pkijs.SignerInfo({
    version: 3,
    sid: new asn1.Primitive({ idBlock: { tagClass: 3, tagNumber: 0 }, valueHex: identifier }),
    digestAlgorithm: await algorithm(oids.sha256),
    signedAttrs: new pkijs.SignedAndUnsignedAttributes({
      type: 0,
      attributes: await attributesOf(parts.digest),
    }),
    signatureAlgorithm: await algorithm(oids.ecdsaWithSha256),
    signature: new asn1.OctetString({ valueHex: bufferOf(parts.signature) }),
  });
  const signedData = new pkijs.SignedData({
    version: 3,
    digestAlgorithms: [await algorithm(oids.sha256)],
    encapContentInfo: new pkijs.EncapsulatedContentInfo({ eContentType: oids.data }),
    certificates: [pkijs.Certificate.fromBER(bufferOf(parts.certificate))],
    signerInfos: [signerInfo],
  });
  const content = new pkijs.ContentInfo({ contentType: oids.signedData, content: signedData.toSchema() });
  return Buffer.from(content.toSchema().toBER());
}

/** What a signature consists of, or why it is none of ours, as the end of a sentence. */
export type ReadSignature = SignatureParts | { readonly unlike: string };

/** Whether a signature consists of these parts and nothing else, each byte as `encodeSignature` writes it. */
export async function isExactly(parts: SignatureParts, der: Uint8Array): Promise<boolean> {
  return encodeSignature(parts).then(
    (exact) => exact.equals(der),
    () => false,
  );
}

/**
 * Takes a signature apart, or says what is in it that ours do not have; never throws. Does not see everything that may
 * be in there besides: see isExactly.
 */
export async function readSignature(der: Uint8Array): Promise<ReadSignature> {
  const [pkijs, asn1] = await libraries();
  try {
    const outer = asn1.fromBER(bufferOf(der));
    if (outer.offset === -1) return { unlike: "is no CMS signature in DER" };
    if (outer.offset !== der.length) {
      return { unlike: `has ${der.length - outer.offset} bytes behind its end` };
    }
    const content = new pkijs.ContentInfo({ schema: outer.result });
    if (content.contentType !== oids.signedData) return { unlike: "is CMS, but nothing signed" };
    return await partsOf(new pkijs.SignedData({ schema: content.content }));
  } catch {
    // The libraries throw all kinds of errors at bytes that make no sense to them.
    return { unlike: "is no CMS signature in DER" };
  }
}

async function partsOf(data: SignedData): Promise<ReadSignature> {
  const [pkijs, asn1] = await libraries();
  const [certificate, ...otherCertificates] = data.certificates ?? [];
  const [signer, ...otherSigners] = data.signerInfos;
  const count = (what: string, others: readonly unknown[]) => `has ${1 + others.length} ${what}, not one`;
  if (!(certificate instanceof pkijs.Certificate)) return { unlike: "has no certificate in it" };
  if (otherCertificates.length > 0) return { unlike: count("certificates", otherCertificates) };
  if (signer === undefined) return { unlike: "has no signer" };
  if (otherSigners.length > 0) return { unlike: count("signers", otherSigners) };
  if (data.encapContentInfo.eContent !== undefined) return { unlike: "has the content in it" };
  if (signer.unsignedAttrs !== undefined) return { unlike: "has attributes that are not signed" };
  const digest = signer.signedAttrs?.attributes.find(({ type }) => type === oids.messageDigest)?.values[0];
  if (!(digest instanceof asn1.OctetString)) return { unlike: "names no digest" };
  return {
    certificate: Buffer.from(certificate.toSchema().toBER()),
    digest: Buffer.from(digest.getValue()),
    signature: Buffer.from(signer.signature.getValue()),
  };
}
