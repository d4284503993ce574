import { TargetFile } from "@tufjs/models";
import { sha256OfText } from "../../external/files.ts";
import type { ReleaseDocument } from "../../release/document.ts";
import { CHANNEL_NAMES, type Channels, channelBytes } from "../channel.ts";
import {
  type ChannelChoices,
  channelsAfter,
  channelsBlocking,
  channelsUnblocking,
} from "../channel-rules.ts";
import { ManifestError } from "../failure.ts";
import type { ManifestChange } from "./change.ts";
import { channelTarget, releaseTarget } from "./names.ts";
import {
  changeOf,
  missingRoots,
  nextTargets,
  publishTargets,
  type Signing,
  type TargetMap,
} from "./publish.ts";
import type { ManifestState } from "./state.ts";

interface FileFacts {
  readonly bytes: number;
  readonly sha256: string;
}

/** A release as its store holds it. */
export interface PublishedRelease {
  readonly document: ReleaseDocument;
  /** Of release.json itself, as it was published. */
  readonly file: FileFacts;
}

const RELEASE_FILE = "release.json";

function target(path: string, { bytes, sha256: digest }: FileFacts): TargetFile {
  return new TargetFile({ path, length: bytes, hashes: { sha256: digest } });
}

const same = (a: TargetFile | undefined, b: TargetFile): boolean =>
  a !== undefined && a.length === b.length && a.hashes.sha256 === b.hashes.sha256;

/** What the next targets start from: also what waits for signatures must not be lost. */
function baseOf(state: ManifestState): { readonly targets: TargetMap; readonly channels: Channels } {
  if (state.pending !== undefined) {
    return { targets: state.pending.signed.targets, channels: state.pendingChannels };
  }
  return { targets: state.targets?.signed.targets ?? {}, channels: state.channels };
}

/** The targets of a release: its bundles and release.json. */
function releaseTargets({ document, file }: PublishedRelease): TargetFile[] {
  const bundles = document.assets.filter(({ name }) => document.builds.some(({ bundle }) => bundle === name));
  return [
    ...bundles.map((asset) => target(releaseTarget(document.tag, asset.name), asset)),
    target(releaseTarget(document.tag, RELEASE_FILE), file),
  ];
}

/** Nothing, but for what an earlier run that was stopped left to do. */
export function unchanged(state: ManifestState, line: string): ManifestChange {
  const current = {
    targets: state.targets?.signed.version ?? 0,
    snapshot: state.snapshot?.signed.version ?? 0,
  };
  return changeOf(state, [line], missingRoots(state), current, state.pending !== undefined);
}

/** A change of content: published, left waiting, or nothing where it is what is there. */
function withContent(
  state: ManifestState,
  added: readonly TargetFile[],
  channels: Channels,
  lines: readonly string[],
  signing: Signing,
): ManifestChange {
  const base = baseOf(state);
  const documents = CHANNEL_NAMES.flatMap((name) => {
    const document = channels[name];
    if (document === undefined) return [];
    const content = channelBytes(document);
    return [target(channelTarget(name), { bytes: content.byteLength, sha256: sha256OfText(content) })];
  });
  const files = [...added, ...documents];
  if (files.every((file) => same(base.targets[file.path], file))) {
    if (state.pending === undefined) return unchanged(state, "nothing changes");
    return publishTargets(state, state.pending, channels, ["the same change waits already"], signing);
  }
  const targets = { ...base.targets, ...Object.fromEntries(files.map((file) => [file.path, file])) };
  return publishTargets(state, nextTargets(state, targets, signing.now), channels, lines, signing);
}

/**
 * A release becomes known to nodes: its bundles and release.json as targets, and the channels it is for. The
 * same release once more changes nothing. Throws ManifestError: RELEASE where the tag is known with another
 * content, NO_KEY, WRONG_KEY.
 */
export function addRelease(
  state: ManifestState,
  release: PublishedRelease,
  choices: ChannelChoices,
  signing: Signing,
): ManifestChange {
  const base = baseOf(state);
  const files = releaseTargets(release);
  const { tag } = release.document;
  const known = base.targets[releaseTarget(tag, RELEASE_FILE)];
  for (const file of files) {
    const other = known !== undefined && !same(base.targets[file.path], file);
    if (!other) continue;
    throw new ManifestError("RELEASE", `${file.path}: the manifest knows ${tag} with another content`, {
      fix: "a published release never changes: give what is new a new version",
    });
  }
  const channels = channelsAfter(base.channels, release.document, choices);
  const lines = CHANNEL_NAMES.flatMap((name) => {
    const [before, after] = [base.channels[name]?.release, channels[name]?.release];
    return before === after ? [] : [`channel ${name}: ${before ?? "nothing"} -> ${after}`];
  });
  const stays = lines.length === 0 ? ["no channel moves: all are at this release or beyond"] : lines;
  return withContent(state, files, channels, [`release ${tag}: ${files.length} files`, ...stays], signing);
}

/** What `./pi manifest block` is told. */
export interface BlockRequest {
  /** Without `v`. */
  readonly version: string;
  /** `<profile>-<board>` each; undefined: every image. Those that no channel has are passed over. */
  readonly ids?: readonly string[];
  readonly reason: string;
}

/** Forbids nodes a version. Throws ManifestError VERSION where no channel, or none with such an image, is there. */
export function block(state: ManifestState, request: BlockRequest, signing: Signing): ManifestChange {
  const { channels } = baseOf(state);
  requireChannels(channels);
  const since = `${signing.now.toISOString().slice(0, 19)}Z`;
  const { version, reason } = request;
  const ids = idsToBlock(channels, request.ids);
  const line = `block ${version} for ${ids[0] === "*" ? "every image" : ids.join(", ")}: ${reason}`;
  const after = ids.reduce((all, id) => channelsBlocking(all, { version, id, reason, since }), channels);
  return withContent(state, [], after, [line], signing);
}

function idsToBlock(channels: Channels, wanted: readonly string[] | undefined): readonly string[] {
  if (wanted === undefined) return ["*"];
  const known = CHANNEL_NAMES.flatMap((name) => Object.keys(channels[name]?.images ?? {}));
  const found = wanted.filter((id) => known.includes(id));
  if (found.length > 0) return found;
  throw new ManifestError("VERSION", `no channel has an image ${wanted.join(" or ")}`, {
    fix: `there are: ${[...new Set(known)].sort().join(", ")}`,
  });
}

/** Allows a blocked version again. Throws ManifestError VERSION where it is not blocked. */
export function unblock(
  state: ManifestState,
  version: string,
  id: string | undefined,
  signing: Signing,
): ManifestChange {
  const { channels } = baseOf(state);
  requireChannels(channels);
  const after = channelsUnblocking(channels, version, id);
  if (CHANNEL_NAMES.every((name) => channels[name] === after[name])) {
    const all = CHANNEL_NAMES.flatMap((name) => channels[name]?.blocked.map((known) => known.version) ?? []);
    const list = [...new Set(all)].join(", ");
    throw new ManifestError("VERSION", `${version} is not blocked`, {
      fix: list === "" ? "no version is" : `blocked are: ${list}`,
    });
  }
  return withContent(state, [], after, [`unblock ${version}`], signing);
}

function requireChannels(channels: Channels): void {
  if (CHANNEL_NAMES.some((name) => channels[name] !== undefined)) return;
  throw new ManifestError("VERSION", "the manifest has no channel yet, so there is nothing to block", {
    fix: "make a release first: ./pi release",
  });
}
