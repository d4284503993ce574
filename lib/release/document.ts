import { z } from "zod";
import { MAX_WAYPOINTS } from "../cluster/serial.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();
export const ASSET_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const assetName = z.string().regex(ASSET_NAME).max(255);

const isAscending = (serials: readonly number[]): boolean =>
  serials.every((serial, at) => at === 0 || serial > (serials[at - 1] ?? 0));

/** Serials of the versions a node must have run, one after the other, before it takes an image. */
export const waypointSerials = z
  .array(z.int().positive())
  .max(MAX_WAYPOINTS)
  .refine(isAscending, "the serials of waypoints ascend");

/** Whether an image's waypoints lie before it: one that does not could never be passed. */
export function waypointsLieBefore(image: {
  readonly serial: number;
  readonly waypoints?: readonly number[] | undefined;
}): boolean {
  return (image.waypoints ?? []).every((serial) => serial < image.serial);
}

/** One image of a release, and the update bundle made of the same slot. */
export const releasedBuild = z
  .strictObject({
    /** `<profile>-<board>`. */
    id: z.string(),
    profile: z.string(),
    board: z.string(),
    /** `<cluster>-<profile>-<board>`; RAUC installs a bundle only where it is the node's own. */
    compatible: z.string(),
    buildId: sha256,
    /** The release its files were made for, without `v`: an unchanged build keeps its version. */
    version: z.string(),
    /** Grows with the version; nodes never go below the highest they accepted. See serialOf. */
    serial: z.int().positive(),
    image: assetName,
    bundle: assetName,
    sbom: assetName,
    buildinfo: assetName,
    /** The slot's file system, as it is written to a node. */
    slot: z.strictObject({ bytes, sha256 }),
    /** The uncompressed disk image. */
    disk: z.strictObject({ bytes, sha256 }),
    /** How it booted on the emulated Pi before it was released. */
    boot: z.strictObject({
      machine: z.string(),
      checks: z.int().nonnegative(),
      loginSeconds: z.number().nonnegative(),
    }),
    /** Of the cluster.yaml the release was made from, those before this build's own version. */
    waypoints: waypointSerials.optional(),
  })
  .refine(waypointsLieBefore, "waypoints lie before the build's own version");

/** `release.json`: what a release consists of. Every asset but itself is listed with its digest. */
export const releaseDocument = z.strictObject({
  format: z.literal(1),
  cluster: z.string(),
  /** `v1.2.3`. */
  tag: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  /** When it was put together, ISO 8601 UTC. */
  date: z.iso.datetime(),
  channel: z.enum(["stable", "beta"]),
  /** Whether it was signed with keys made on the spot for trying things out. */
  development: z.boolean(),
  builds: z.array(releasedBuild).min(1),
  assets: z.array(z.strictObject({ name: assetName, bytes, sha256 })),
});

export type ReleasedBuild = z.infer<typeof releasedBuild>;
export type ReleaseDocument = z.infer<typeof releaseDocument>;
