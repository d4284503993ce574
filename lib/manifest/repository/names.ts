import type { ChannelName } from "../channel.ts";

/** The one file whose content changes under its name; everything else is named by version or digest. */
export const TIMESTAMP = "timestamp.json";
/** A targets version that waits for signatures. Readers do not look at it. */
export const PENDING = "pending/targets.json";

export type VersionedKind = "root" | "targets" | "snapshot";

export function versionedName(kind: VersionedKind, version: number): string {
  return `${version}.${kind}.json`;
}

/** Undefined where the name is none of a versioned file. */
export function parseVersionedName(
  name: string,
): { readonly kind: VersionedKind; readonly version: number } | undefined {
  const match = /^([1-9]\d{0,15})\.(root|targets|snapshot)\.json$/.exec(name);
  if (match === null) return undefined;
  const kind = match[2] as VersionedKind;
  return { kind, version: Number(match[1]) };
}

/** What TUF calls a channel document: a target path. */
export function channelTarget(name: ChannelName): string {
  return `channels/${name}.json`;
}

/** Where its content lies: TUF's consistent snapshots put the digest before the name. */
export function channelFile(name: ChannelName, sha256: string): string {
  return `targets/channels/${sha256}.${name}.json`;
}

export const CHANNEL_FILE = /^targets\/channels\/([0-9a-f]{64})\.(stable|beta)\.json$/;

/** An asset of a release as a target path; its content lies in the release store. */
export function releaseTarget(tag: string, name: string): string {
  return `releases/${tag}/${name}`;
}
