import { Metadata, MetaFile, Snapshot, type TargetFile, Targets, Timestamp } from "@tufjs/models";
import { sha256OfText } from "../../external/files.ts";
import { CHANNEL_NAMES, type Channels, channelBytes } from "../channel.ts";
import { ManifestError } from "../failure.ts";
import { MAX_VERSION } from "../limits.ts";
import { type ManifestChange, type ManifestWrite, superfluous } from "./change.ts";
import { expiryOf } from "./expiry.ts";
import { metadataBytes, readMetadata, type Signed, SPEC_VERSION } from "./metadata.ts";
import { channelFile, PENDING, TIMESTAMP, versionedName } from "./names.ts";
import { countSignatures, roleIn, signWith } from "./signatures.ts";
import { knownKeys, requireKeys, type Signers } from "./signers.ts";
import type { ManifestState } from "./state.ts";

export type TargetMap = Readonly<Record<string, TargetFile>>;

/** What a change is planned with. */
export interface Signing {
  readonly signers: Signers;
  readonly now: Date;
}

/** Versions after which the next ones are counted; other than the state's own only after a compromise. */
export interface Floor {
  readonly snapshot: number;
  readonly timestamp: number;
}

/** The version after this one. Throws ManifestError ROLLBACK where somebody let them run out. */
function after(version: number, file: string): number {
  if (version < MAX_VERSION) return version + 1;
  throw new ManifestError("ROLLBACK", `${file}: its version is ${version}, which nothing can follow`, {
    fix: "whoever signed that has the online key: replace it with ./pi keys rotate online --compromised",
  });
}

function metaOf(version: number, content: Uint8Array): MetaFile {
  return new MetaFile({ version, length: content.byteLength, hashes: { sha256: sha256OfText(content) } });
}

function floorOf(state: ManifestState): Floor {
  return {
    snapshot: state.snapshot?.signed.version ?? 0,
    timestamp: state.timestamp?.signed.version ?? 0,
  };
}

/** Roots that the home does not hold yet: the first one, from keys/root.json. */
export function missingRoots(state: ManifestState): readonly ManifestWrite[] {
  return state.roots
    .map((root) => ({ path: versionedName("root", root.signed.version), content: metadataBytes(root) }))
    .filter(({ path }) => !state.files.has(path));
}

/** A timestamp for a snapshot, signed. */
export function timestampFor(
  state: ManifestState,
  snapshot: Signed<"snapshot">,
  { signers, now }: Signing,
  floor = floorOf(state),
): ManifestWrite {
  const timestamp = new Metadata(
    new Timestamp({
      specVersion: SPEC_VERSION,
      version: after(floor.timestamp, TIMESTAMP),
      expires: expiryOf("timestamp", now),
      snapshotMeta: metaOf(snapshot.signed.version, metadataBytes(snapshot)),
    }),
  );
  signWith(timestamp, requireKeys(signers, state.root, "timestamp"));
  return { path: TIMESTAMP, content: metadataBytes(timestamp) };
}

/** The next snapshot of these targets, and its timestamp. */
export function snapshotFor(
  state: ManifestState,
  targets: Signed<"targets">,
  signing: Signing,
  floor = floorOf(state),
): readonly ManifestWrite[] {
  const snapshot = new Metadata(
    new Snapshot({
      specVersion: SPEC_VERSION,
      version: after(floor.snapshot, `${floor.snapshot}.snapshot.json`),
      expires: expiryOf("snapshot", signing.now),
      meta: { "targets.json": metaOf(targets.signed.version, metadataBytes(targets)) },
    }),
  );
  signWith(snapshot, requireKeys(signing.signers, state.root, "snapshot"));
  return [
    { path: versionedName("snapshot", snapshot.signed.version), content: metadataBytes(snapshot) },
    timestampFor(state, snapshot, signing, floor),
  ];
}

/** The documents of channels as files, those that are there already left out. */
export function channelWrites(state: ManifestState, channels: Channels): readonly ManifestWrite[] {
  return CHANNEL_NAMES.flatMap((name) => {
    const document = channels[name];
    if (document === undefined) return [];
    const content = channelBytes(document);
    return [{ path: channelFile(name, sha256OfText(content)), content }];
  }).filter(({ path }) => !state.files.has(path));
}

/** The change of these writes, with what nobody needs after them. */
export function changeOf(
  state: ManifestState,
  lines: readonly string[],
  writes: readonly ManifestWrite[],
  current: { readonly targets: number; readonly snapshot: number },
  pending: boolean,
): ManifestChange {
  const after = new Map(state.files);
  for (const { path, content } of writes) after.set(path, content);
  return { lines, writes, removes: superfluous(after, current, pending) };
}

/** The next version of targets with this content, not signed yet. */
export function nextTargets(state: ManifestState, targets: TargetMap, now: Date): Signed<"targets"> {
  const version = (state.targets?.signed.version ?? 0) + 1;
  const expires = expiryOf("targets", now);
  return new Metadata(new Targets({ specVersion: SPEC_VERSION, version, expires, targets: { ...targets } }));
}

/**
 * Publishes targets, where they have all signatures; else leaves them in pending/ for `./pi keys approve`. Adds
 * the signatures of the targets keys at hand first. Throws ManifestError NO_KEY, WRONG_KEY.
 */
export function publishTargets(
  state: ManifestState,
  unsigned: Signed<"targets">,
  channels: Channels,
  lines: readonly string[],
  signing: Signing,
): ManifestChange {
  const { signers, now } = signing;
  // A copy: signing changes what it signs, and the state is the caller's.
  const targets = readMetadata("targets", PENDING, metadataBytes(unsigned));
  if (signers.targets.length > 0) {
    const known = knownKeys(signers, state.root, "targets");
    // Only to say that the keys at hand are the wrong ones: too few is no error here.
    if (known.length === 0) requireKeys(signers, state.root, "targets");
    signWith(targets, known);
  }
  const before = [...missingRoots(state), ...channelWrites(state, channels)];
  const { threshold } = roleIn(state.root, "targets");
  const found = countSignatures(state.root, "targets", targets);
  if (found < threshold) {
    const waiting = `targets ${targets.signed.version} waits in ${PENDING}: ${found} of ${threshold} signatures; sign it with ./pi keys approve`;
    const content = metadataBytes(targets);
    const known = state.files.get(PENDING);
    const writes =
      known !== undefined && Buffer.from(known).equals(content) ? [] : [{ path: PENDING, content }];
    const current = {
      targets: state.targets?.signed.version ?? 0,
      snapshot: state.snapshot?.signed.version ?? 0,
    };
    return changeOf(state, [...lines, waiting], [...before, ...writes], current, true);
  }
  const version = targets.signed.version;
  const rest = snapshotFor(state, targets, signing);
  const snapshot = floorOf(state).snapshot + 1;
  const writes = [
    ...before,
    { path: versionedName("targets", version), content: metadataBytes(targets) },
    ...rest,
  ];
  const said = `targets ${version}, snapshot ${snapshot}, timestamp until ${expiryOf("timestamp", now).slice(0, 10)}`;
  return changeOf(state, [...lines, said], writes, { targets: version, snapshot }, false);
}
