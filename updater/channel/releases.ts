import { z } from "zod";
import { sha256OfText } from "../../lib/external/files.ts";
import { lightSource } from "../../lib/external/light-source.ts";
import { Failure } from "../../lib/failure.ts";
import type { ChannelDocument, ChannelImage } from "../../lib/manifest/channel.ts";
import type { OpenedManifest } from "../../lib/manifest/client/open.ts";
import { waypointsTo } from "../../lib/manifest/client/waypoints.ts";
import { FETCH_TIMEOUT_MS, MAX_BYTES } from "../../lib/manifest/limits.ts";
import type { State } from "../state/record.ts";

/** Releases that are looked through for the build that runs, newest first, where nothing hangs on it. */
const MOST_RELEASES = 20;
const RELEASE = /^releases\/([^/]+)\/release\.json$/;

/** An address as nodes use it: relative ones start from the folder that holds the manifest. */
export function bundleUrls(urls: readonly string[], address: string): readonly string[] {
  return urls.map((url) => new URL(url, new URL("..", address)).href);
}

/** Where another release's asset lies, told from where the channel's own lies; undefined: it cannot be told. */
export function addressOf(
  url: string,
  from: { readonly tag: string; readonly name: string },
  to: { readonly tag: string; readonly name: string },
): string | undefined {
  const end = `/${from.tag}/${from.name}`;
  return url.endsWith(end) ? `${url.slice(0, -end.length)}/${to.tag}/${to.name}` : undefined;
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Of release.json, what a node needs. */
const releaseRecord = z.object({
  builds: z.array(
    z.object({
      id: z.string(),
      version: z.string(),
      serial: z.int().positive(),
      buildId: sha256,
      compatible: z.string(),
      bundle: z.string(),
      slot: z.object({ bytes: z.int().nonnegative(), sha256 }),
      waypoints: z.array(z.int().positive()).optional(),
    }),
  ),
  assets: z.array(z.object({ name: z.string(), bytes: z.int().nonnegative(), sha256 })),
});

type Release = z.infer<typeof releaseRecord>;

/** A release as the manifest vouches for it; undefined where it cannot be had. */
async function readRelease(
  tag: string,
  document: ChannelDocument,
  opened: OpenedManifest,
  address: string,
): Promise<Release | undefined> {
  const target = opened.targets.get(`releases/${tag}/release.json`);
  const image = Object.values(document.images)[0];
  if (target === undefined || image === undefined || target.bytes > MAX_BYTES.channel) return undefined;
  const from = { tag: document.release, name: image.bundle.name };
  for (const url of bundleUrls(image.bundle.urls, address)) {
    const file = addressOf(url, from, { tag, name: "release.json" });
    if (file === undefined) continue;
    try {
      const source = lightSource(new URL(".", file).href, { timeoutMs: FETCH_TIMEOUT_MS });
      const content = await source.read("release.json", target.bytes);
      if (content === undefined || sha256OfText(content) !== target.sha256) continue;
      return releaseRecord.safeParse(JSON.parse(Buffer.from(content).toString("utf8"))).data;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }
  return undefined;
}

function tagsOf(opened: OpenedManifest): readonly string[] {
  const tags = [...opened.targets.keys()].flatMap((path) => RELEASE.exec(path)?.[1] ?? []);
  return tags.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
}

/** The image of a version that is not the channel's own, where the manifest names that release. */
export async function findVersion(
  version: string,
  id: string,
  document: ChannelDocument,
  opened: OpenedManifest,
  address: string,
): Promise<ChannelImage | undefined> {
  const tag = `v${version}`;
  const release = await readRelease(tag, document, opened, address);
  const build = release?.builds.find((one) => one.id === id);
  const asset = release?.assets.find(({ name }) => name === build?.bundle);
  const now = document.images[id];
  if (build === undefined || asset === undefined || now === undefined) return undefined;
  const from = { tag: document.release, name: now.bundle.name };
  const urls = now.bundle.urls.flatMap((url) => addressOf(url, from, { tag, name: asset.name }) ?? []);
  const { serial, buildId, compatible, slot, waypoints } = build;
  if (urls.length === 0) return undefined;
  const image = { version: build.version, serial, buildId, compatible, slot, bundle: { ...asset, urls } };
  return waypoints === undefined ? image : { ...image, waypoints };
}

export interface Identified {
  readonly state: State;
  /** Whether a build that is still without a version is in no release at all. */
  readonly sure: boolean;
}

/**
 * Names the committed build where no version is known of it yet: a node that was flashed knows its build id only.
 * Its serial becomes the floor, so that a channel which stands at an older release does not take it back. Where there
 * are waypoints on the way, every release is looked through: a node must not take an older one for its next step.
 */
export async function identify(
  state: State,
  running: { readonly buildId: string; readonly id: string },
  document: ChannelDocument,
  opened: OpenedManifest,
  address: string,
): Promise<Identified> {
  const { committed } = state;
  if (committed === undefined || committed.serial !== undefined || committed.buildId !== running.buildId)
    return { state, sure: true };
  const named = (version: string, serial: number): Identified => ({
    state: {
      ...state,
      committed: { ...committed, version, serial },
      floors: { ...state.floors, serial: Math.max(state.floors.serial, serial) },
    },
    sure: true,
  });
  const image = document.images[running.id];
  if (image?.buildId === running.buildId) return named(image.version, image.serial);
  const tags = tagsOf(opened);
  const most = image === undefined || waypointsTo(image).length === 0 ? MOST_RELEASES : tags.length;
  let sure = tags.length <= most;
  for (const tag of tags.slice(0, most)) {
    const release = await readRelease(tag, document, opened, address);
    const build = release?.builds.find(({ id, buildId }) => id === running.id && buildId === running.buildId);
    if (build !== undefined) return named(build.version, build.serial);
    sure &&= release !== undefined;
  }
  return { state, sure };
}
