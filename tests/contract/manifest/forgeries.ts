import { Metadata, MetaFile, Snapshot, type TargetFile, Targets, Timestamp } from "@tufjs/models";
import { sha256OfText } from "../../../lib/external/files.ts";
import { expiryOf } from "../../../lib/manifest/repository/expiry.ts";
import { metadataBytes, SPEC_VERSION } from "../../../lib/manifest/repository/metadata.ts";
import { signWith } from "../../../lib/manifest/repository/signatures.ts";
import type { ManifestFiles } from "../../../lib/manifest/repository/state.ts";
import { daysOn, keyCalled } from "../../unit/manifest/example.ts";

const meta = (version: number, content: Uint8Array): MetaFile =>
  new MetaFile({ version, length: content.byteLength, hashes: { sha256: sha256OfText(content) } });

const signed = (
  metadata: Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>,
  keys: readonly string[],
) => {
  signWith(metadata, keys.map(keyCalled));
  return metadataBytes(metadata);
};

export interface Forgery {
  /** By default what the files hold at that version. */
  readonly targets?: {
    readonly version: number;
    readonly content?: Record<string, TargetFile>;
    readonly keys?: string[];
  };
  readonly snapshot: { readonly version: number; readonly keys?: string[] };
  readonly timestamp: { readonly version: number; readonly keys?: string[] };
  readonly day: number;
}

/** The files with metadata as somebody would sign it who has the keys named, whatever sense it makes. */
export function forge(files: ManifestFiles, { targets, snapshot, timestamp, day }: Forgery): ManifestFiles {
  const after = new Map(files);
  const expires = expiryOf("snapshot", daysOn(day));
  const common = { specVersion: SPEC_VERSION, expires };
  const version = targets?.version ?? 1;
  const path = `${version}.targets.json`;
  if (targets?.content !== undefined || targets?.keys !== undefined) {
    const metadata = new Metadata(new Targets({ ...common, version, targets: targets.content ?? {} }));
    after.set(path, signed(metadata, targets.keys ?? ["targets-1"]));
  }
  const about = { "targets.json": meta(version, after.get(path) ?? new Uint8Array()) };
  const snapshotBytes = signed(
    new Metadata(new Snapshot({ ...common, version: snapshot.version, meta: about })),
    snapshot.keys ?? ["online-1"],
  );
  after.set(`${snapshot.version}.snapshot.json`, snapshotBytes);
  const stamp = new Timestamp({
    ...common,
    expires: expiryOf("timestamp", daysOn(day)),
    version: timestamp.version,
    snapshotMeta: meta(snapshot.version, snapshotBytes),
  });
  after.set("timestamp.json", signed(new Metadata(stamp), timestamp.keys ?? ["online-1"]));
  return after;
}

/** The files with one bit of one byte changed. */
export function flipped(files: ManifestFiles, path: string, at: number, bit = 0): ManifestFiles {
  const content = Buffer.from(files.get(path) ?? []);
  content.writeUInt8(content.readUInt8(at % content.length) ^ (1 << bit), at % content.length);
  return new Map(files).set(path, content);
}

export function without(files: ManifestFiles, path: string): ManifestFiles {
  const after = new Map(files);
  after.delete(path);
  return after;
}
