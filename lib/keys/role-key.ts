import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { canonicalize } from "@tufjs/canonical-json";
import { KeyError } from "./failure.ts";
import type { RoleKey } from "./keys.ts";
import { type PemText, readPem } from "./pem.ts";

/** Bytes before the 32 bytes of an ed25519 key in its SubjectPublicKeyInfo. */
const SPKI_HEAD_BYTES = 12;

/**
 * TUF's id of an ed25519 key: SHA-256 (hex) over the canonical JSON of its public key object, as securesystemslib
 * computes it. python-tuf and tuf-js take any id; they agree on this one.
 */
export function keyIdOf(publicHex: string): string {
  const key = { keytype: "ed25519", scheme: "ed25519", keyval: { public: publicHex } };
  return createHash("sha256").update(canonicalize(key)).digest("hex");
}

/** A private key of PKCS#8 PEM. Throws KeyError UNREADABLE; what OpenSSL says about it stays unsaid. */
export function privateKeyOf(pem: PemText): KeyObject {
  const der = readPem(pem, "private key");
  try {
    return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  } catch {
    throw new KeyError("UNREADABLE", `${pem.what} in ${pem.where}: no private key`, {
      fix: "take it from your backup",
    });
  }
}

/** How people call a kind of key: `ed25519`, `rsa`, `ec (secp384r1)`. */
export function kindOf(key: KeyObject): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return `${key.asymmetricKeyType ?? key.type}${curve === undefined ? "" : ` (${curve})`}`;
}

/** A key of the update manifest. Throws KeyError: UNREADABLE, and WRONG where it is of another kind. */
export function roleKey(name: string, pem: PemText): RoleKey {
  const key = privateKeyOf(pem);
  if (key.asymmetricKeyType !== "ed25519") {
    throw new KeyError("WRONG", `${pem.what} in ${pem.where}: of kind ${kindOf(key)}, ed25519 is expected`, {
      fix: "is this the right key? ./pi keys status lists which there are",
    });
  }
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const publicHex = spki.subarray(SPKI_HEAD_BYTES).toString("hex");
  return Object.freeze({
    name,
    keyId: keyIdOf(publicHex),
    publicHex,
    sign: (bytes: Uint8Array) => sign(null, bytes, key),
  });
}
