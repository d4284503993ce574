import { createHash, sign, verify, X509Certificate } from "node:crypto";
import { encodeSignature, isExactly, readSignature, signedBytes } from "./cms-form.ts";
import { KeyError } from "./failure.ts";
import type { SigningIdentity } from "./keys.ts";
import { MAX_SIGNATURE_BYTES } from "./limits.ts";
import { certificateOf, checkLeaf } from "./signing.ts";

const sha256 = (content: Uint8Array): Buffer => createHash("sha256").update(content).digest();

/**
 * A detached CMS signature (DER) of the content, with the leaf's certificate in it and nothing else. It names no time:
 * whoever has the key can write any, so it would prove nothing. Two signatures of one content differ all the same, as
 * ECDSA takes a random number: a run that goes on where another ended keeps the one that is there.
 */
export async function signDetached(content: Uint8Array, identity: SigningIdentity): Promise<Buffer> {
  const digest = sha256(content);
  const certificate = new X509Certificate(identity.certificate).raw;
  const signature = sign("sha256", await signedBytes(digest), identity.privateKey);
  return encodeSignature({ certificate, digest, signature });
}

export interface DetachedNames {
  /** How messages call the content: `SHA256SUMS`. */
  readonly content: string;
  /** How they call its signature: `SHA256SUMS.p7s`. */
  readonly signature: string;
  /** How they call the CA's file: `keys/ca.pem`. */
  readonly ca: string;
}

const NAMES: DetachedNames = { content: "SHA256SUMS", signature: "SHA256SUMS.p7s", ca: "keys/ca.pem" };

/**
 * Checks a detached signature made by `signDetached` with a leaf of one of the CAs in `ca` (PEM). It has to be, byte
 * for byte, what `signDetached` writes for this content, leaf and signature value: nothing can be changed in it, also
 * not where it would mean the same. Throws KeyError WRONG naming the file and what is wrong; EXPIRED, CLOCK; and
 * UNREADABLE for a CA that is none.
 */
export async function verifyDetached(
  content: Uint8Array,
  der: Uint8Array,
  ca: string,
  { now, names = NAMES }: { readonly now: Date; readonly names?: DetachedNames },
): Promise<void> {
  const wrong = (message: string): KeyError =>
    new KeyError("WRONG", message, {
      fix: "do not use it; download it again, from the place it was published",
    });
  if (der.length > MAX_SIGNATURE_BYTES)
    throw wrong(`${names.signature} is far too large: ${der.length} bytes`);
  const read = await readSignature(der);
  if ("unlike" in read) throw wrong(`${names.signature} ${read.unlike}`);
  const leaf = certificateOf(read.certificate);
  if (leaf === undefined) throw wrong(`${names.signature} has a broken certificate in it`);
  checkLeaf(
    leaf,
    `the certificate in ${names.signature}`,
    { text: ca, what: "the CA", where: names.ca },
    now,
  );
  if (!verify("sha256", await signedBytes(read.digest), leaf.publicKey, read.signature)) {
    throw wrong(
      `${names.signature} is damaged or forged: the signature in it is not that of its certificate`,
    );
  }
  if (!(await isExactly(read, der))) {
    throw wrong(`${names.signature} is not written the one way that is accepted`);
  }
  if (!sha256(content).equals(read.digest)) {
    throw wrong(`${names.content} is not what was signed in ${names.signature}`);
  }
}

/**
 * The commands by which anybody checks a download, to be run in its folder; each has to succeed.
 *
 * `-no-CApath -no-CAstore`: openssl would also trust every CA the machine trusts, so anybody's certificate for signed
 * mail. That needs OpenSSL 3; LibreSSL, as on a Mac, knows neither. No `-purpose any`: see certificates.ts.
 *
 * openssl (3.0) does not look at every byte of a signature: not at the two version numbers, the content type (9 bytes),
 * the name of the signature algorithm (8 bytes) and one bit of each of six tags. Nothing that is signed hangs on them,
 * and `verifyDetached` refuses any change there. With `signatureSha256` (lower-case hex, from where the download is
 * described) there is a further command, first, that sees a change of those bytes too.
 */
export function verifyCommands({
  ca,
  signatureSha256,
}: {
  readonly ca: string;
  readonly signatureSha256?: string;
}): string[] {
  const same =
    signatureSha256 === undefined ? [] : [`echo "${signatureSha256}  SHA256SUMS.p7s" | sha256sum --check`];
  return [
    ...same,
    `openssl cms -verify -binary -inform DER -in SHA256SUMS.p7s -content SHA256SUMS -CAfile ${ca} -no-CApath -no-CAstore -out /dev/null`,
    "sha256sum --check --ignore-missing SHA256SUMS",
  ];
}
