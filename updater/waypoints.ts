import { blockOf, type ChannelImage } from "../lib/manifest/channel.ts";
import { versionOfWaypoint, waypointsTo } from "../lib/manifest/client/waypoints.ts";
import type { Facts, Reading } from "./decide.ts";
import type { State } from "./state/record.ts";

/** What a node installs before the image it is after, or what cannot be had of that. */
export type Stone =
  | { readonly kind: "image"; readonly image: ChannelImage }
  /** Version without `v`; why: the rest of a sentence about it. */
  | { readonly kind: "missing"; readonly version: string; readonly why: string };

/** The image to install next on the way to another, or itself; or why there is no way, in one sentence for people. */
export type Step =
  | { readonly kind: "open"; readonly image: ChannelImage }
  | { readonly kind: "barred"; readonly reason: string };

/** The rest of a sentence that begins with the image's version; undefined: it is made for this node. */
export function madeForOthers(image: ChannelImage, { running }: Facts): string | undefined {
  if (image.compatible === running.compatible) return undefined;
  return `is made for ${image.compatible}, and this node is ${running.compatible}`;
}

/** The same for an image that has no room. */
export function tooLarge({ slot }: ChannelImage, { slotBytes }: Facts): string | undefined {
  return slot.bytes > slotBytes ? `has ${slot.bytes} bytes, and the slot holds ${slotBytes}` : undefined;
}

/**
 * The next step to an image. By itself a node takes the waypoints on its way one after the other; a person who names a
 * version is told which one comes before it. Pure.
 */
export function stepTowards(
  target: ChannelImage,
  state: State,
  reading: Reading & { kind: "read" },
  facts: Facts,
): Step {
  const reached = Math.max(state.committed?.serial ?? 0, reading.passed ?? 0);
  const ahead = (image: ChannelImage) => waypointsTo(image).find((serial) => serial > reached);
  const next = ahead(target);
  if (next === undefined) return { kind: "open", image: target };
  const { stone } = reading;
  const image = stone?.kind === "image" ? stone.image : undefined;
  const version = image?.version ?? (stone?.kind === "missing" ? stone.version : versionOfWaypoint(next));
  const barred = (why: string): Step => ({
    kind: "barred",
    reason: `v${version} has to be installed before v${target.version}${why}.`,
  });
  if (image === undefined)
    return barred(`, and ${stone?.kind === "missing" ? stone.why : "was not looked for"}`);
  if (ahead(image) !== undefined) return barred(", and waypoints of its own come before it");
  const objection = objectTo(image, state, reading, facts);
  if (objection !== undefined) return barred(`, and ${objection}`);
  if (state.wish !== undefined) return barred(`: node-update install --version ${version} does that`);
  return { kind: "open", image };
}

/**
 * What speaks against a waypoint. Unlike with what a channel stands at, a later version that failed does not: it may
 * have failed for want of this one.
 */
function objectTo(
  image: ChannelImage,
  state: State,
  { channel }: Reading & { kind: "read" },
  facts: Facts,
): string | undefined {
  const again = `node-update install --version ${image.version}`;
  const blocked = blockOf(channel, image.version, facts.running.id);
  if (blocked !== undefined) return `is blocked: ${blocked.reason}`;
  if (image.buildId === facts.running.buildId) return "runs here already";
  const failed = state.failed.find(({ buildId }) => buildId === image.buildId);
  if (failed !== undefined) {
    return `failed here (${failed.reason.replace(/\.$/, "")}): ${again} --retry tries it once more`;
  }
  if (image.serial < state.floors.serial) {
    return `is older than what this node has run: ${again} --older installs it`;
  }
  return madeForOthers(image, facts) ?? tooLarge(image, facts);
}
