import { Metadata, MetadataKind } from "@tufjs/models";
import type { RoleKey } from "../../keys/keys.ts";
import { ManifestError } from "../failure.ts";
import { expiryOf } from "./expiry.ts";
import { type MetadataName, metadataBytes, readMetadata, type Signed, SPEC_VERSION } from "./metadata.ts";
import { versionedName } from "./names.ts";
import { roleIn, signWith } from "./signatures.ts";

/** The public half of a key, as roots write it. */
export type PublicKey = Pick<RoleKey, "keyId" | "publicHex">;

export interface RoleKeys {
  readonly keys: readonly PublicKey[];
  /** How many of them must sign. */
  readonly threshold: number;
}

/** Whose signatures count: snapshot and timestamp share the online keys. */
export interface RootContent {
  readonly root: RoleKeys;
  readonly targets: RoleKeys;
  readonly online: RoleKeys;
}

function keyObject(publicHex: string) {
  return { keytype: "ed25519", scheme: "ed25519", keyval: { public: publicHex } };
}

/** Throws ManifestError NO_KEY where a role cannot reach its threshold. */
export function checkThresholds(content: RootContent): void {
  for (const [name, { keys, threshold }] of Object.entries(content) as [string, RoleKeys][]) {
    const different = new Set(keys.map(({ keyId }) => keyId)).size;
    if (threshold >= 1 && different >= threshold) continue;
    throw new ManifestError(
      "NO_KEY",
      `the role ${name} asks for ${threshold} signatures and has ${different} keys`,
      {
        fix: "a threshold is at least 1 and at most the number of keys",
      },
    );
  }
}

/** A root as it is before anybody signs it. Throws ManifestError NO_KEY where a role cannot reach its threshold. */
export function unsignedRoot(content: RootContent, version: number, now: Date): Signed<"root"> {
  checkThresholds(content);
  const all = Object.values(content).flatMap(({ keys }: RoleKeys) => keys);
  const role = ({ keys, threshold }: RoleKeys) => ({
    keyids: [...new Set(keys.map(({ keyId }) => keyId))].sort(),
    threshold,
  });
  return Metadata.fromJSON(MetadataKind.Root, {
    signatures: [],
    signed: {
      _type: "root",
      spec_version: SPEC_VERSION,
      version,
      expires: expiryOf("root", now),
      consistent_snapshot: true,
      keys: Object.fromEntries(all.map(({ keyId, publicHex }) => [keyId, keyObject(publicHex)])),
      roles: {
        root: role(content.root),
        targets: role(content.targets),
        snapshot: role(content.online),
        timestamp: role(content.online),
      },
    },
  });
}

/** The first root of a cluster, keys/root.json. Throws ManifestError NO_KEY. */
export function firstRoot(content: RootContent, signers: readonly RoleKey[], now: Date): Uint8Array {
  const root = unsignedRoot(content, 1, now);
  const { keyIds } = roleIn(root, "root");
  signWith(
    root,
    signers.filter(({ keyId }) => keyIds.includes(keyId)),
  );
  return metadataBytes(root);
}

/** keys/root.json, read. Throws ManifestError FILE. */
export function readRoot(content: Uint8Array, path = "keys/root.json"): Signed<"root"> {
  return readMetadata("root", path, content);
}

/** What a root says, to make the next one of it. */
export function contentOfRoot(root: Signed<"root">): RootContent {
  const role = (name: MetadataName): RoleKeys => {
    const { keyIds, threshold } = roleIn(root, name);
    const keys = keyIds.map((keyId) => ({ keyId, publicHex: root.signed.keys[keyId]?.keyVal.public ?? "" }));
    return { keys, threshold };
  };
  return { root: role("root"), targets: role("targets"), online: role("timestamp") };
}

export function rootName(root: Signed<"root">): string {
  return versionedName("root", root.signed.version);
}
