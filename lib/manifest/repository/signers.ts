import { Failure } from "../../failure.ts";
import type { Keys, RoleKey, RoleName } from "../../keys/keys.ts";
import { ManifestError } from "../failure.ts";
import type { MetadataName, Signed } from "./metadata.ts";
import { roleIn } from "./signatures.ts";

/** The private keys at hand while a change is planned. */
export interface Signers {
  /** For people: where the keys were looked for. */
  readonly place: string;
  readonly development: boolean;
  readonly root: readonly RoleKey[];
  readonly targets: readonly RoleKey[];
  readonly online: readonly RoleKey[];
}

const SIGNED_BY: Readonly<Record<MetadataName, RoleName>> = {
  root: "root",
  targets: "targets",
  snapshot: "online",
  timestamp: "online",
};

/** The keys of a place; a role without any is empty, every other trouble is thrown (KeyError). */
export function signersFrom(keys: Keys): Signers {
  const role = (name: RoleName): readonly RoleKey[] => {
    try {
      return keys.role(name);
    } catch (error) {
      if (error instanceof Failure && error.code === "MISSING") return [];
      throw error;
    }
  };
  const { place, development } = keys;
  return { place, development, root: role("root"), targets: role("targets"), online: role("online") };
}

/** Those of the keys at hand that the root knows for this kind of metadata. */
export function knownKeys(signers: Signers, root: Signed<"root">, kind: MetadataName): readonly RoleKey[] {
  const { keyIds } = roleIn(root, kind);
  return signers[SIGNED_BY[kind]].filter(({ keyId }) => keyIds.includes(keyId));
}

export function canSign(signers: Signers, root: Signed<"root">, kind: MetadataName): boolean {
  return knownKeys(signers, root, kind).length >= roleIn(root, kind).threshold;
}

/**
 * Enough keys for this kind of metadata. Throws ManifestError NO_KEY where there are too few, WRONG_KEY where
 * those that are there belong to another cluster or were replaced.
 */
export function requireKeys(signers: Signers, root: Signed<"root">, kind: MetadataName): readonly RoleKey[] {
  const known = knownKeys(signers, root, kind);
  const { threshold } = roleIn(root, kind);
  if (known.length >= threshold) return known;
  const role = SIGNED_BY[kind];
  const strangers = signers[role].filter((key) => !known.includes(key));
  const stranger = strangers[0];
  if (known.length === 0 && stranger !== undefined) {
    throw new ManifestError(
      "WRONG_KEY",
      `the ${role} key ${stranger.name} in ${signers.place} is none that root ${root.signed.version} knows`,
      {
        fix: "use the keys that belong to keys/root.json of this cluster, or the newest ones after a rotation",
      },
    );
  }
  throw new ManifestError(
    "NO_KEY",
    `signing ${kind} takes ${threshold} ${role} key${threshold === 1 ? "" : "s"}; ${known.length} in ${signers.place}`,
    { fix: "run it where the key lies, or put the key there" },
  );
}
