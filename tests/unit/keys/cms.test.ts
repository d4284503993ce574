import { createHash, sign, X509Certificate } from "node:crypto";
import { ContentInfo, SignedData } from "pkijs";
import { describe, expect, it } from "vitest";
import { bufferOf, libraries } from "../../../lib/keys/certificate-form.ts";
import { throwAway } from "../../../lib/keys/certificates.ts";
import { signDetached, verifyDetached } from "../../../lib/keys/cms.ts";
import { encodeSignature, signedBytes } from "../../../lib/keys/cms-form.ts";

const NOW = new Date("2026-11-20T10:15:00Z");
const content = Buffer.from("0 a\n");
const identity = await throwAway(NOW, "home");
const other = await throwAway(NOW, "other");
const good = await signDetached(content, identity);
const verify = (der: Uint8Array, now = NOW, body: Uint8Array = content) =>
  verifyDetached(body, der, identity.ca, { now });

/** The good signature with something done to it, written again. */
async function changed(change: (data: SignedData) => void): Promise<Buffer> {
  const outer = ContentInfo.fromBER(bufferOf(good));
  const data = new SignedData({ schema: outer.content });
  change(data);
  return Buffer.from(
    new ContentInfo({ contentType: outer.contentType, content: data.toSchema() }).toSchema().toBER(),
  );
}

const [pkijs, asn1] = await libraries();
const certificate = (pem: string) => pkijs.Certificate.fromBER(bufferOf(new X509Certificate(pem).raw));

describe("a detached signature", () => {
  it("is taken for its content", async () => {
    await verify(good);
    expect(await changed(() => undefined)).toEqual(good);
  });

  it("has nothing in it that tells when it was made; each is another one", async () => {
    const again = await signDetached(content, identity);
    expect(again.equals(good)).toBe(false);
    expect(Math.abs(again.length - good.length)).toBeLessThanOrEqual(2);
    expect(good.includes(Buffer.from("2a864886f70d010905", "hex"))).toBe(false);
  });

  it.each([
    ["nothing", Buffer.alloc(0), "SHA256SUMS.p7s is no CMS signature in DER"],
    ["a text", Buffer.from("not found\n"), "SHA256SUMS.p7s is no CMS signature in DER"],
    ["a cut off one", good.subarray(0, -1), "SHA256SUMS.p7s is no CMS signature in DER"],
    [
      "one with a byte behind it",
      Buffer.concat([good, Buffer.of(0)]),
      "SHA256SUMS.p7s has 1 bytes behind its end",
    ],
    ["a very large one", Buffer.alloc(20_000), "SHA256SUMS.p7s is far too large: 20000 bytes"],
  ])("is none: %s", async (_, der, message) => {
    await expect(verify(der)).rejects.toThrow(expect.objectContaining({ code: "WRONG", message }));
  });

  const attributes = () => new pkijs.SignedAndUnsignedAttributes({ type: 1, attributes: [anAttribute()] });
  const anAttribute = () =>
    new pkijs.Attribute({ type: "1.2.3", values: [new asn1.Utf8String({ value: "anything" })] });
  it.each([
    [
      "another certificate",
      (data: SignedData) => data.certificates?.push(certificate(identity.ca)),
      "has 2 certif",
    ],
    ["no certificate", (data: SignedData) => Object.assign(data, { certificates: [] }), "has no certificate"],
    ["two signers", (data: SignedData) => data.signerInfos.push(...data.signerInfos), "has 2 signers"],
    ["no signer", (data: SignedData) => Object.assign(data, { signerInfos: [] }), "has no signer"],
    [
      "attributes that are not signed",
      (data: SignedData) => Object.assign(data.signerInfos[0] ?? {}, { unsignedAttrs: attributes() }),
      "has attributes that are not signed",
    ],
    [
      "one more attribute that claims to be signed",
      (data: SignedData) => data.signerInfos[0]?.signedAttrs?.attributes.push(anAttribute()),
      "is not written the one way",
    ],
    [
      "parameters that mean nothing",
      (data: SignedData) =>
        Object.assign(data.digestAlgorithms[0] ?? {}, { algorithmParams: new asn1.Null() }),
      "is not written the one way",
    ],
    [
      "the content in it",
      (data: SignedData) =>
        Object.assign(data.encapContentInfo, {
          eContent: new asn1.OctetString({ valueHex: bufferOf(content) }),
        }),
      "has the content in it",
    ],
  ])("is refused with %s", async (_, change, message) => {
    await expect(verify(await changed(change))).rejects.toThrow(
      expect.objectContaining({
        code: "WRONG",
        message: expect.stringContaining(`SHA256SUMS.p7s ${message}`),
      }),
    );
  });

  it("is refused for other content, and the content is named", async () => {
    await expect(verify(good, NOW, Buffer.from("1 a\n"))).rejects.toThrow(
      "SHA256SUMS is not what was signed in SHA256SUMS.p7s",
    );
  });

  it("is refused of another cluster's leaf, also where it has the right one's certificate", async () => {
    const foreign = await signDetached(content, other);
    await expect(verify(foreign)).rejects.toThrow(
      'the certificate in SHA256SUMS.p7s is not signed by the CA in keys/ca.pem, but by another one, "other: Home',
    );
    const digest = createHash("sha256").update(content).digest();
    const forged = await encodeSignature({
      certificate: new X509Certificate(identity.certificate).raw,
      digest,
      signature: sign("sha256", await signedBytes(digest), other.privateKey),
    });
    await expect(verify(forged)).rejects.toThrow("SHA256SUMS.p7s is damaged or forged");
  });

  it.each([
    ["1970-01-01T00:00:00Z", "CLOCK"],
    ["2037-01-01T00:00:00Z", "EXPIRED"],
  ])("is refused at %s", async (now, code) => {
    await expect(verify(good, new Date(now))).rejects.toThrow(expect.objectContaining({ code }));
  });
});
