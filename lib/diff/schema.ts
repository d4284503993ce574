import { z } from "zod";

const aspect = z.object({ aspect: z.string(), from: z.string().optional(), to: z.string().optional() });

const change = z.object({
  name: z.string(),
  change: z.enum(["added", "removed", "changed"]),
  /** What about it: mode, content, version ... Without `from` or `to` the image of that side does not have it. */
  aspects: z.array(aspect),
});

const byteRegion = z.object({
  region: z.string(),
  /** Bytes from the start of the disk. Differences less than a sector apart are one range. */
  ranges: z.array(z.object({ offset: z.int().nonnegative(), bytes: z.int().positive() })),
  /** Ranges beyond those listed. */
  more: z.int().nonnegative(),
});

const image = z.object({ name: z.string(), bytes: z.int().nonnegative() });

/** The machine form of `./pi diff`. `from` is of the first image, `to` of the second. */
export const imageDiffSchema = z.object({
  version: z.literal(1),
  equal: z.boolean(),
  images: z.tuple([image, image]),
  /** By `name:architecture`, from dpkg's records in slot A. */
  packages: z.array(change),
  /** Slot A, by absolute path; what is there because of a changed package, too. */
  paths: z.array(change),
  /** Files of p1. */
  boot: z.array(change),
  /** Partition table, boot state, the file system of slot A as such. */
  disk: z.array(change),
  /** Parts of the disk whose bytes differ though nothing above says why. */
  bytes: z.array(byteRegion),
});

export type ImageDiff = z.output<typeof imageDiffSchema>;
export type ByteRegion = z.output<typeof byteRegion>;
export type Change = z.output<typeof change>;
export type Aspect = z.output<typeof aspect>;
