import type { ReleaseDocument } from "../release/document.ts";
import { compareVersions, parseVersion } from "../release/version.ts";
import type { BlockedVersion, ChannelDocument, ChannelImage, ChannelName, Channels } from "./channel.ts";
import { CHANNEL_NAMES } from "./channel.ts";
import { ManifestError } from "./failure.ts";

export interface ChannelChoices {
  /** Where a node gets an asset of a release; several are tried in order. */
  readonly urlsOf: (tag: string, name: string) => readonly string[];
}

function imagesOf(release: ReleaseDocument, choices: ChannelChoices): Record<string, ChannelImage> {
  const image = (build: ReleaseDocument["builds"][number]): ChannelImage => {
    const asset = release.assets.find(({ name }) => name === build.bundle);
    if (asset === undefined) {
      throw new ManifestError(
        "RELEASE",
        `${release.tag} names the bundle ${build.bundle} and does not list it`,
        {
          fix: "its release.json is wrong: make the release anew",
        },
      );
    }
    const { waypoints } = build;
    return {
      version: build.version,
      serial: build.serial,
      buildId: build.buildId,
      compatible: build.compatible,
      bundle: { ...asset, urls: [...choices.urlsOf(release.tag, build.bundle)] },
      slot: build.slot,
      ...(waypoints === undefined ? {} : { waypoints }),
    };
  };
  return Object.fromEntries(release.builds.map((build) => [build.id, image(build)]));
}

/**
 * One channel after a release: the release, where it is later than what the channel stands at; else the very
 * same document. So a release made again changes nothing, and neither does one for people who stayed behind.
 * Undefined where the channel is not this release's. Throws ManifestError RELEASE.
 */
export function channelAfter(
  channel: ChannelName,
  previous: ChannelDocument | undefined,
  release: ReleaseDocument,
  choices: ChannelChoices,
): ChannelDocument | undefined {
  if (previous !== undefined && previous.cluster !== release.cluster) {
    throw new ManifestError(
      "RELEASE",
      `${release.tag} is of the cluster ${release.cluster}; this manifest is of ${previous.cluster}`,
      { fix: "name the store of that cluster" },
    );
  }
  const version = parseVersion(release.tag);
  // A stable release is for those who follow beta as well.
  if (channel === "stable" && version.channel !== "stable") return previous;
  if (previous !== undefined && compareVersions(version, parseVersion(previous.release)) <= 0)
    return previous;
  return {
    format: 1,
    cluster: release.cluster,
    channel,
    release: release.tag,
    date: release.date,
    development: release.development,
    images: imagesOf(release, choices),
    blocked: previous?.blocked ?? [],
  };
}

function mapChannels(
  channels: Channels,
  change: (name: ChannelName, document: ChannelDocument | undefined) => ChannelDocument | undefined,
): Channels {
  const entries = CHANNEL_NAMES.map((name) => [name, change(name, channels[name])] as const);
  return Object.fromEntries(entries.filter(([, document]) => document !== undefined));
}

/** Both channels after a release. Throws ManifestError RELEASE. */
export function channelsAfter(
  channels: Channels,
  release: ReleaseDocument,
  choices: ChannelChoices,
): Channels {
  return mapChannels(channels, (name, previous) => channelAfter(name, previous, release, choices));
}

const sameBlock = (a: BlockedVersion, b: Pick<BlockedVersion, "version" | "id">): boolean =>
  a.version === b.version && a.id === b.id;

/** Adds a version no node may install to every channel; one that is blocked already stays as it is. */
export function channelsBlocking(channels: Channels, blocked: BlockedVersion): Channels {
  return mapChannels(channels, (_, document) =>
    document === undefined || document.blocked.some((known) => sameBlock(known, blocked))
      ? document
      : { ...document, blocked: [...document.blocked, blocked] },
  );
}

/** Takes blocks away: of one image (`<profile>-<board>`), or all of the version. */
export function channelsUnblocking(channels: Channels, version: string, id: string | undefined): Channels {
  const meant = (known: BlockedVersion): boolean =>
    known.version === version && (id === undefined || known.id === id);
  return mapChannels(channels, (_, document) =>
    document?.blocked.some(meant) === true
      ? { ...document, blocked: document.blocked.filter((known) => !meant(known)) }
      : document,
  );
}
