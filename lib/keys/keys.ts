/** What a key signs. `root` and `targets` may have several holders; the numbers count from 1. */
export type RoleName = "root" | "targets" | "online";

/** An ed25519 key of the update manifest. The private half stays inside. */
export interface RoleKey {
  /** As files and messages call it: `root-1`, `targets-1`, `online-1`. */
  readonly name: string;
  /** TUF key id: SHA-256 (hex) of the canonical JSON of the public key object. */
  readonly keyId: string;
  /** The public half as 64 hex digits: python-tuf refuses PEM here. */
  readonly publicHex: string;
  /** Ed25519 over the bytes, 64 bytes. */
  sign(bytes: Uint8Array): Buffer;
}

/** The leaf that signs bundles and checksums, and the way to its CA. */
export interface SigningIdentity {
  /** PEM of the leaf certificate. */
  readonly certificate: string;
  /** PEM (PKCS#8) of the leaf's key. Never printed; programs get it as a file only they can read. */
  readonly privateKey: string;
  /** PEM of the cluster's CA, as in keys/ca.pem and on every node. */
  readonly ca: string;
}

/** The keys this machine or job was given. Each call throws KeyError where one is missing, unreadable or expired. */
export interface Keys {
  /** For people: the folder, or `the job's secrets`. */
  readonly place: string;
  /** Made on the spot to try things out, nobody's promise: said in what is published. */
  readonly development: boolean;
  /** All keys of the role that are here; at least one, else KeyError MISSING. */
  role(role: RoleName): readonly RoleKey[];
  signing(now: Date): SigningIdentity;
}
