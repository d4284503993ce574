import { canonicalize } from "@tufjs/canonical-json";
import {
  Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "@tufjs/models";
import { ManifestError } from "../failure.ts";

interface ByKind {
  root: Root;
  targets: Targets;
  snapshot: Snapshot;
  timestamp: Timestamp;
}
export type MetadataName = keyof ByKind;
export type Signed<K extends MetadataName> = Metadata<ByKind[K]>;

/** Of the TUF specification: what @tufjs/models writes and python-tuf reads. */
export const SPEC_VERSION = "1.0.31";

type JsonObject = Parameters<typeof Metadata.fromJSON>[1];

const readers: { readonly [K in MetadataName]: (data: JsonObject) => Signed<K> } = {
  root: (data) => Metadata.fromJSON(MetadataKind.Root, data),
  targets: (data) => Metadata.fromJSON(MetadataKind.Targets, data),
  snapshot: (data) => Metadata.fromJSON(MetadataKind.Snapshot, data),
  timestamp: (data) => Metadata.fromJSON(MetadataKind.Timestamp, data),
};

/** Signatures in the order of their key ids, canonical JSON: one text per content. */
export function metadataBytes(metadata: Metadata<Root | Targets | Snapshot | Timestamp>): Uint8Array {
  const json = metadata.toJSON() as { signed: unknown };
  const signatures = Object.values(metadata.signatures)
    .map((signature) => signature.toJSON() as { keyid: string; sig: string })
    .sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return Buffer.from(canonicalize({ signatures, signed: json.signed }));
}

/**
 * Reads a metadata file as we write it, byte for byte. TUF itself lets pass what no signature covers: the
 * case of hexadecimal digits, white space, the order of keys, fields beside `signed`. Here a byte that differs
 * is a damaged file. Throws ManifestError FILE, which names `path`.
 */
export function readMetadata<K extends MetadataName>(kind: K, path: string, content: Uint8Array): Signed<K> {
  const refuse = (why: string, cause?: unknown): ManifestError =>
    new ManifestError("FILE", `${path}: ${why}`, {
      fix: "it was damaged or tampered with: do not use it",
      cause,
    });
  const text = Buffer.from(content);
  let metadata: Signed<K>;
  try {
    metadata = readers[kind](JSON.parse(text.toString("utf8")) as JsonObject);
  } catch (error) {
    throw refuse(`is no ${kind} metadata`, error);
  }
  if (!text.equals(metadataBytes(metadata))) throw refuse("is not in canonical form");
  for (const { keyID, sig } of Object.values(metadata.signatures)) {
    // An empty one is how python-tuf marks a signature still to come; nothing here writes that.
    if (!/^[0-9a-f]{128}$/.test(sig)) throw refuse(`the signature of key ${keyID.slice(0, 8)} is malformed`);
  }
  return metadata;
}
