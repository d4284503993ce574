import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { writePrivate } from "../external/private-files.ts";
import type { RoleKey, RoleName } from "../keys/keys.ts";
import { toPem } from "../keys/pem.ts";
import { roleKey } from "../keys/role-key.ts";
import { contentOfRoot, type RoleKeys } from "./repository/root.ts";
import type { Signers } from "./repository/signers.ts";
import type { ManifestState } from "./repository/state.ts";

export interface NextKeys {
  readonly next: RoleKeys;
  /** The private halves of the role, those to be written included. */
  readonly keys: readonly RoleKey[];
  /** File names of keys that are not on the disk yet. */
  readonly made: readonly string[];
  /** Writes them: before anything is signed with them. */
  write(): Promise<void>;
}

const numberOf = (key: RoleKey): number => Number(/-(\d+)$/.exec(key.name)?.[1] ?? 0);

/** Those the last root added beside the old ones: a rotation that was stopped half way. */
function begun(state: ManifestState, role: RoleName): readonly string[] {
  const before = state.roots.at(-2);
  if (before === undefined) return [];
  const old = new Set(contentOfRoot(before)[role].keys.map(({ keyId }) => keyId));
  const now = contentOfRoot(state.root)[role].keys.map(({ keyId }) => keyId);
  const added = now.filter((keyId) => !old.has(keyId));
  return added.length > 0 && [...old].every((keyId) => now.includes(keyId)) ? added : [];
}

/** Whether a rotation of this role was stopped between its two roots. */
export function isBegun(state: ManifestState, role: RoleName): boolean {
  return role !== "root" && begun(state, role).length > 0;
}

/**
 * The keys that take over a role, as many as it has now: those of a rotation that was stopped, else those that lie
 * in the folder and are newer than all the root knows, else new ones. Pure but for randomness, until write().
 */
export function nextKeys(state: ManifestState, signers: Signers, role: RoleName, folder: string): NextKeys {
  const { keys: known, threshold } = contentOfRoot(state.root)[role];
  const ids = new Set(known.map(({ keyId }) => keyId));
  const half = role === "root" ? [] : begun(state, role);
  const count = half.length > 0 ? half.length : known.length;
  const here = signers[role];
  const newest = Math.max(0, ...here.filter(({ keyId }) => ids.has(keyId)).map(numberOf));
  const waiting =
    half.length > 0
      ? here.filter(({ keyId }) => half.includes(keyId))
      : here.filter((key) => newest > 0 && !ids.has(key.keyId) && numberOf(key) > newest);
  // A lost key keeps its name: it may turn up again.
  const highest = Math.max(known.length, ...here.map(numberOf));
  const fresh = Array.from({ length: Math.max(0, count - waiting.length) }, (_, at) => {
    const name = `${role}-${highest + 1 + at}`;
    const { privateKey } = generateKeyPairSync("ed25519");
    const text = toPem("private key", privateKey.export({ format: "der", type: "pkcs8" }));
    const where = join(folder, `${name}.pem`);
    return { where, text, key: roleKey(name, { text, what: `the key ${name}`, where }) };
  });
  const next = [...waiting.slice(0, count), ...fresh.map(({ key }) => key)];
  return {
    next: { keys: next, threshold },
    keys: [...here, ...fresh.map(({ key }) => key)],
    made: fresh.map(({ key }) => `${key.name}.pem`),
    write: async () => {
      for (const { where, text } of fresh) await writePrivate(where, text);
    },
  };
}

/** The keys the role has already, where a rotation goes on behind its root. */
export function presentKeys(state: ManifestState, signers: Signers, role: RoleName): NextKeys {
  const next = contentOfRoot(state.root)[role];
  return { next, keys: signers[role], made: [], write: async () => undefined };
}
