import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { bufferOf, encodeCertificate, libraries } from "./certificate-form.ts";
import { KeyError } from "./failure.ts";
import type { SigningIdentity } from "./keys.ts";
import { VALID_FROM, validYears } from "./limits.ts";
import { oids } from "./oids.ts";
import { toPem } from "./pem.ts";

/** A certificate with its key, both PEM (PKCS#8). */
export interface Issued {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Nobody's promise: keys made on the spot, and those of build jobs, which sign what is signed again later. */
export type Standing = "development" | "throw-away";

export interface NewCa {
  readonly cluster: string;
  readonly now: Date;
  readonly standing?: Standing | undefined;
}

/** The longest common name there is (RFC 5280, ub-common-name). */
const NAME_LENGTH = 64;

/** `home: Home Pi Cluster CA`, `home: Home Pi Cluster development CA`; a long cluster's name is cut. */
function caName({ cluster, standing }: NewCa): string {
  const words = ["Home Pi Cluster", standing, "CA"].filter((word) => word !== undefined).join(" ");
  return `${cluster.slice(0, NAME_LENGTH - `: ${signingName(words)}`.length)}: ${words}`;
}

function signingName(ca: string): string {
  return ca.replace(/CA$/, "signing");
}

/** Whether a CA says of itself that it was made for trying things out. */
export function isDevelopmentCa(certificate: X509Certificate): boolean {
  return / development CA$/.test(certificate.subject);
}

/** The moment a certificate of this kind ends. Throws KeyError CLOCK where `now` cannot be right. */
function endOf(now: Date, kind: keyof typeof validYears): Date {
  if (now < VALID_FROM) {
    throw new KeyError("CLOCK", `this machine's clock says ${now.toISOString().slice(0, 10)}`, {
      fix: "set the clock (timedatectl set-ntp true): certificates count their years from it",
    });
  }
  const end = new Date(now);
  // Whole seconds: certificates have no others.
  end.setUTCMilliseconds(0);
  end.setUTCFullYear(now.getUTCFullYear() + validYears[kind]);
  return end;
}

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = toPem("private key", privateKey.export({ format: "der", type: "pkcs8" }));
  return { publicKey, privateKey, pem };
}

/** A new CA, which signs itself. Throws KeyError CLOCK. */
export async function issueCa(request: NewCa): Promise<Issued> {
  const { publicKey, privateKey, pem } = newKey();
  const der = await encodeCertificate({
    commonName: caName(request),
    issuer: undefined,
    from: VALID_FROM,
    until: endOf(request.now, "ca"),
    publicKey,
    signedWith: privateKey,
    extendedKeyUsage: [],
  });
  return { certificate: toPem("certificate", der), privateKey: pem };
}

/**
 * What a leaf is good for. Without `emailProtection` no `openssl cms -verify` takes it, and no RAUC either unless its
 * configuration has a `check-purpose`: both leave it to OpenSSL, whose purpose for CMS is "smime_sign" (rauc 1.13,
 * src/signature.c, cms_verify_bytes). Without `codeSigning` no RAUC with `check-purpose=codesign` takes it
 * (check_purpose_code_sign there). With both each of them does, and nobody needs `-purpose any`.
 */
const LEAF_USAGE = [oids.codeSigning, oids.emailProtection] as const;

/** A new leaf under a CA: what bundles and checksums are signed with. Throws KeyError CLOCK. */
export async function issueLeaf(ca: string, caKey: KeyObject, now: Date): Promise<Issued> {
  const [pkijs] = await libraries();
  const { publicKey, pem } = newKey();
  const issuer = new X509Certificate(ca);
  const der = await encodeCertificate({
    commonName: signingName(issuer.subject.replace(/^CN=/, "")),
    issuer: pkijs.Certificate.fromBER(bufferOf(issuer.raw)),
    from: VALID_FROM,
    until: endOf(now, "leaf"),
    publicKey,
    signedWith: caKey,
    extendedKeyUsage: LEAF_USAGE,
  });
  return { certificate: toPem("certificate", der), privateKey: pem };
}

/**
 * A signing identity of its own CA, in memory only: jobs that run a user's playbooks sign with it what is signed
 * again before anybody installs it. Throws KeyError CLOCK.
 */
export async function throwAway(now: Date, cluster: string): Promise<SigningIdentity> {
  const ca = await issueCa({ cluster, now, standing: "throw-away" });
  const leaf = await issueLeaf(ca.certificate, createPrivateKey(ca.privateKey), now);
  return { ...leaf, ca: ca.certificate };
}
