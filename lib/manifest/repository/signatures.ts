import {
  type Metadata,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "@tufjs/models";
import type { RoleKey } from "../../keys/keys.ts";
import { ManifestError } from "../failure.ts";
import type { MetadataName, Signed } from "./metadata.ts";

type AnyMetadata = Metadata<Root | Targets | Snapshot | Timestamp>;

export interface RoleFacts {
  readonly keyIds: readonly string[];
  readonly threshold: number;
}

/** Who may sign a kind of metadata, as a root says. */
export function roleIn(root: Signed<"root">, role: MetadataName): RoleFacts {
  const facts = root.signed.roles[role];
  if (facts === undefined) throw new Error(`a root without the role ${role}`);
  return { keyIds: facts.keyIDs, threshold: facts.threshold };
}

/** How many of the role's keys have signed it, rightly. */
export function countSignatures(root: Signed<"root">, role: MetadataName, metadata: AnyMetadata): number {
  const signed = roleIn(root, role).keyIds.filter((keyId) => verifies(root, role, keyId, metadata));
  return new Set(signed).size;
}

/** Refuses a file with fewer signatures than each of the `roots` asks for. Throws ManifestError FILE. */
export function requireThreshold(
  roots: readonly Signed<"root">[],
  role: MetadataName,
  path: string,
  metadata: AnyMetadata,
): void {
  for (const root of roots) {
    const { threshold } = roleIn(root, role);
    const found = countSignatures(root, role, metadata);
    if (found >= threshold) continue;
    throw new ManifestError(
      "FILE",
      `${path}: ${found} of ${threshold} signatures by keys of the role ${role}`,
      {
        fix: "it was damaged or tampered with, or a key was replaced: do not use it",
      },
    );
  }
}

/**
 * Refuses a signature that no root knows or that is wrong: TUF passes over it, and a byte changed there would go
 * unseen. Throws ManifestError FILE.
 */
export function refuseStrangers(
  roots: readonly Signed<"root">[],
  role: MetadataName,
  path: string,
  metadata: AnyMetadata,
): void {
  for (const keyId of Object.keys(metadata.signatures)) {
    if (roots.some((root) => verifies(root, role, keyId, metadata))) continue;
    throw new ManifestError(
      "FILE",
      `${path}: the signature of key ${keyId.slice(0, 8)} is wrong or nobody's`,
      {
        fix: "it was damaged or tampered with: do not use it",
      },
    );
  }
}

/** Signed by enough of the role's keys, as each of the `roots` has it, and by nobody else. */
export function requireSignatures(
  roots: readonly Signed<"root">[],
  role: MetadataName,
  path: string,
  metadata: AnyMetadata,
): void {
  requireThreshold(roots, role, path, metadata);
  refuseStrangers(roots, role, path, metadata);
}

function verifies(root: Signed<"root">, role: MetadataName, keyId: string, metadata: AnyMetadata): boolean {
  if (!roleIn(root, role).keyIds.includes(keyId)) return false;
  try {
    root.signed.keys[keyId]?.verifySignature(metadata);
    return root.signed.keys[keyId] !== undefined;
  } catch {
    return false;
  }
}

/** Adds the signature of each key; one that is there is replaced. */
export function signWith(metadata: AnyMetadata, keys: readonly RoleKey[]): void {
  for (const key of keys) {
    metadata.sign((content) => new Signature({ keyID: key.keyId, sig: key.sign(content).toString("hex") }));
  }
}
