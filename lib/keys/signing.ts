import { X509Certificate } from "node:crypto";
import { KeyError } from "./failure.ts";
import type { SigningIdentity } from "./keys.ts";
import { oids } from "./oids.ts";
import { certificatesIn, type PemText, readPem } from "./pem.ts";
import { kindOf, privateKeyOf } from "./role-key.ts";

const day = (date: Date): string => date.toISOString().slice(0, 10);
/** `home: Home Pi Cluster signing` of `CN=home: Home Pi Cluster signing`. */
const nameOf = (subject: string): string => subject.replace(/^CN=/, "").replaceAll("\n", ", ");

/** A certificate of PEM or DER, or undefined where it is none, or not written as DER has to be. */
export function certificateOf(bytes: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(bytes);
    return certificate.raw.equals(bytes) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

/** The CAs of a `ca.pem`: one, or the old and the new one. Throws KeyError UNREADABLE, WRONG. */
export function readCas(ca: PemText): X509Certificate[] {
  const found = certificatesIn(ca.text).map((text) => certificateOf(readPem({ ...ca, text }, "certificate")));
  const cas = found.filter((one) => one !== undefined);
  const fix = "take it again from the project's repository; git checkout keys/ca.pem brings it back";
  if (cas.length === 0 || cas.length < found.length) {
    throw new KeyError("UNREADABLE", `${ca.what} in ${ca.where}: no certificate, or a broken one`, { fix });
  }
  const other = cas.find((one) => !one.ca);
  if (other !== undefined) {
    const message = `${ca.what} in ${ca.where}: "${nameOf(other.subject)}" is the certificate of no CA`;
    throw new KeyError("WRONG", message, { fix });
  }
  return cas;
}

/** Throws KeyError EXPIRED or CLOCK where a certificate is not valid at `now`. */
function checkValidity(certificate: X509Certificate, what: string, now: Date): void {
  const { validFromDate: from, validToDate: until } = certificate;
  if (now < from) {
    const message = `${what} is valid from ${day(from)}, and this machine's clock says ${day(now)}`;
    throw new KeyError("CLOCK", message, { fix: "set the clock: timedatectl set-ntp true" });
  }
  if (now > until) {
    throw new KeyError("EXPIRED", `${what} was valid until ${day(until)}; it is ${day(now)}`, {
      fix: certificate.ca
        ? "make a new CA: keys/README.md says how nodes get it"
        : "./pi keys rotate makes a new one under the same CA",
    });
  }
}

/**
 * Checks that a leaf may sign at `now`: issued by one of the CAs directly, no CA itself, made for signing, and both
 * of them valid. `what` is how messages call the leaf. Throws KeyError WRONG, EXPIRED, CLOCK.
 */
export function checkLeaf(leaf: X509Certificate, what: string, ca: PemText, now: Date): void {
  const wrong = (why: string, fix: string): KeyError => new KeyError("WRONG", `${what} ${why}`, { fix });
  const issuer = readCas(ca).find((one) => leaf.checkIssued(one) && leaf.verify(one.publicKey));
  if (issuer === undefined) {
    const why = `is not signed by ${ca.what} in ${ca.where}, but by another one, "${nameOf(leaf.issuer)}"`;
    throw wrong(why, "was it made for another cluster, or by a build job?");
  }
  const uses: readonly string[] = leaf.keyUsage ?? [];
  if (leaf.ca || ![oids.codeSigning, oids.emailProtection].every((use) => uses.includes(use))) {
    throw wrong("is not made for signing", "./pi keys rotate makes one that is");
  }
  checkValidity(issuer, `${ca.what} in ${ca.where}`, now);
  checkValidity(leaf, what, now);
}

/** A leaf, its key and the CA, each as it was found. */
export interface SigningPems {
  readonly certificate: PemText;
  readonly privateKey: PemText;
  readonly ca: PemText;
}

/** Whether a certificate is that of a key. Throws KeyError UNREADABLE where either cannot be read. */
export function belongTogether(certificate: PemText, privateKey: PemText): boolean {
  return readLeaf(certificate).checkPrivateKey(privateKeyOf(privateKey));
}

function readLeaf(certificate: PemText): X509Certificate {
  const leaf = certificateOf(readPem(certificate, "certificate"));
  if (leaf !== undefined) return leaf;
  throw new KeyError("UNREADABLE", `${certificate.what} in ${certificate.where}: a broken certificate`, {
    fix: "./pi keys rotate makes a new one",
  });
}

/** The identity that signs at `now`. Throws KeyError UNREADABLE, WRONG, EXPIRED, CLOCK. */
export function signingIdentity(pems: SigningPems, now: Date): SigningIdentity {
  const { certificate, privateKey, ca } = pems;
  const leaf = readLeaf(certificate);
  const key = privateKeyOf(privateKey);
  if (kindOf(key) !== "ec (prime256v1)") {
    const message = `${privateKey.what} in ${privateKey.where}: of kind ${kindOf(key)}, ec (prime256v1) is expected`;
    throw new KeyError("WRONG", message, { fix: "is this the right key?" });
  }
  if (!leaf.checkPrivateKey(key)) {
    const message = `${certificate.what} in ${certificate.where} is not that of ${privateKey.what} in ${privateKey.where}`;
    throw new KeyError("WRONG", message, { fix: "take both from one place, or run ./pi keys rotate" });
  }
  checkLeaf(leaf, `${certificate.what} in ${certificate.where}`, ca, now);
  return Object.freeze({ certificate: certificate.text, privateKey: privateKey.text, ca: ca.text });
}
