import { sha256OfText } from "../../external/files.ts";
import { CHANNEL_NAMES, type ChannelName, type Channels, parseChannel } from "../channel.ts";
import { ManifestError } from "../failure.ts";
import { readMetadata, type Signed } from "./metadata.ts";
import {
  channelFile,
  channelTarget,
  PENDING,
  parseVersionedName,
  TIMESTAMP,
  versionedName,
} from "./names.ts";
import { refuseStrangers, requireSignatures } from "./signatures.ts";

/** What lies in a manifest's home, by path with forward slashes. */
export type ManifestFiles = ReadonlyMap<string, Uint8Array>;

export interface ManifestState {
  readonly files: ManifestFiles;
  /** Oldest first, without a gap; the last one is in force. */
  readonly roots: readonly Signed<"root">[];
  readonly root: Signed<"root">;
  /** Undefined, all three, before the first change is published. */
  readonly targets: Signed<"targets"> | undefined;
  readonly snapshot: Signed<"snapshot"> | undefined;
  readonly timestamp: Signed<"timestamp"> | undefined;
  readonly channels: Channels;
  /** The next targets, which wait for signatures, and the channels it names. */
  readonly pending: Signed<"targets"> | undefined;
  readonly pendingChannels: Channels;
}

function contentOf(files: ManifestFiles, path: string): Uint8Array {
  const content = files.get(path);
  if (content !== undefined) return content;
  throw new ManifestError("ABSENT", `${path}: is not there, and another file names it`, {
    fix: "put it back from a copy (branch manifest: git log), or publish the release again",
  });
}

const damaged = (path: string, why: string): ManifestError =>
  new ManifestError("FILE", `${path}: ${why}`, { fix: "it was damaged or tampered with: do not use it" });

/** Every root there is, each signed by itself and by the one before. `trusted` must be one of them, or the next. */
export function readRoots(files: ManifestFiles, trusted: Uint8Array): readonly Signed<"root">[] {
  const anchor = readMetadata("root", "keys/root.json", trusted);
  const anchorName = versionedName("root", anchor.signed.version);
  const contents = new Map(files);
  contents.set(anchorName, files.get(anchorName) ?? trusted);
  if (!Buffer.from(contentOf(contents, anchorName)).equals(trusted)) {
    throw new ManifestError("ROOT", `${anchorName}: is another root than the keys/root.json you trust`, {
      fix: "use the keys/root.json of this cluster; if it is that, the file was tampered with",
    });
  }
  const versions = [...contents.keys()]
    .map(parseVersionedName)
    .flatMap((name) => (name?.kind === "root" ? [name.version] : []))
    .sort((a, b) => a - b);
  const roots: Signed<"root">[] = [];
  for (const version of versions) {
    const path = versionedName("root", version);
    const root = readMetadata("root", path, contentOf(contents, path));
    const before = roots.at(-1);
    if (root.signed.version !== version) throw damaged(path, `says it is version ${root.signed.version}`);
    if (before !== undefined && before.signed.version !== version - 1) {
      throw new ManifestError("ABSENT", `${versionedName("root", version - 1)}: is not there`, {
        fix: "put it back from a copy: nodes follow the roots one by one",
      });
    }
    requireSignatures(before === undefined ? [root] : [before, root], "root", path, root);
    roots.push(root);
  }
  return roots;
}

/** The channel documents that a targets file names, each checked against its digest. */
export function readChannels(files: ManifestFiles, targets: Signed<"targets"> | undefined): Channels {
  const found = CHANNEL_NAMES.flatMap((name: ChannelName) => {
    const target = targets?.signed.targets[channelTarget(name)];
    if (target === undefined) return [];
    const digest = target.hashes.sha256 ?? "";
    const path = channelFile(name, digest);
    const content = contentOf(files, path);
    if (sha256OfText(content) !== digest || content.byteLength !== target.length) {
      throw damaged(path, "has not the digest that targets names");
    }
    return [[name, parseChannel(path, content)] as const];
  });
  return Object.fromEntries(found);
}

function readCurrent(files: ManifestFiles, root: Signed<"root">) {
  const timestamp = readMetadata("timestamp", TIMESTAMP, contentOf(files, TIMESTAMP));
  requireSignatures([root], "timestamp", TIMESTAMP, timestamp);
  const meta = timestamp.signed.snapshotMeta;
  const snapshotPath = versionedName("snapshot", meta.version);
  const snapshotBytes = contentOf(files, snapshotPath);
  if (sha256OfText(snapshotBytes) !== meta.hashes?.sha256)
    throw damaged(snapshotPath, "has not the digest that timestamp names");
  const snapshot = readMetadata("snapshot", snapshotPath, snapshotBytes);
  requireSignatures([root], "snapshot", snapshotPath, snapshot);
  const targetsMeta = snapshot.signed.meta["targets.json"];
  const targetsPath = versionedName("targets", targetsMeta?.version ?? 0);
  const targetsBytes = contentOf(files, targetsPath);
  if (sha256OfText(targetsBytes) !== targetsMeta?.hashes?.sha256)
    throw damaged(targetsPath, "has not the digest that snapshot names");
  const targets = readMetadata("targets", targetsPath, targetsBytes);
  requireSignatures([root], "targets", targetsPath, targets);
  return { timestamp, snapshot, targets };
}

/** Targets that wait; those of a version that is published by now were overtaken and do not count. */
function readPending(
  files: ManifestFiles,
  root: Signed<"root">,
  current: Signed<"targets"> | undefined,
): Signed<"targets"> | undefined {
  const content = files.get(PENDING);
  if (content === undefined) return undefined;
  const pending = readMetadata("targets", PENDING, content);
  if (pending.signed.version !== (current?.signed.version ?? 0) + 1) return undefined;
  refuseStrangers([root], "targets", PENDING, pending);
  return pending;
}

/**
 * The manifest in a home, every signature and digest on the way checked, but no expiry: whoever comes to renew
 * it finds it expired. `trusted`: the content of keys/root.json. Throws ManifestError.
 */
export function openState(files: ManifestFiles, trusted: Uint8Array): ManifestState {
  const roots = readRoots(files, trusted);
  const root = roots.at(-1);
  if (root === undefined) throw new Error("a manifest without a root");
  const current = files.has(TIMESTAMP)
    ? readCurrent(files, root)
    : { timestamp: undefined, snapshot: undefined, targets: undefined };
  const pending = readPending(files, root, current.targets);
  const channels = readChannels(files, current.targets);
  const pendingChannels = pending === undefined ? channels : readChannels(files, pending);
  return { files, roots, root, ...current, channels, pending, pendingChannels };
}

/**
 * As openState, but without belief in what the online key signed: for the day it is in wrong hands. Takes the
 * highest targets that the targets keys signed. Throws ManifestError.
 */
export function recoverState(files: ManifestFiles, trusted: Uint8Array): ManifestState {
  const roots = readRoots(files, trusted);
  const root = roots.at(-1);
  if (root === undefined) throw new Error("a manifest without a root");
  const versions = [...files.keys()]
    .map(parseVersionedName)
    .flatMap((name) => (name?.kind === "targets" ? [name.version] : []))
    .sort((a, b) => b - a);
  let targets: Signed<"targets"> | undefined;
  for (const version of versions) {
    const path = versionedName("targets", version);
    try {
      const found = readMetadata("targets", path, contentOf(files, path));
      requireSignatures([root], "targets", path, found);
      if (found.signed.version === version) targets ??= found;
    } catch {
      // Whoever had the key may have left anything here; it stays unread.
    }
  }
  const channels = readChannels(files, targets);
  return {
    ...{ files, roots, root, targets, snapshot: undefined, timestamp: undefined, channels },
    ...{ pending: undefined, pendingChannels: channels },
  };
}
