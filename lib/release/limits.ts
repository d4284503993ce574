const MINUTE = 60_000;
const GIB = 1024 ** 3;

/** How long each part of a release may take, in milliseconds: about five times what a slow machine needs. */
export const timeouts = {
  bundle: 15 * MINUTE,
  compress: 60 * MINUTE,
  short: 2 * MINUTE,
} as const;

/** GitHub's limits, kept by every store so that a release can move from one to another. */
export const limits = {
  /** Assets have to be smaller than this, in bytes. */
  assetBytes: 2 * GIB,
  assets: 1000,
} as const;

/** zstd's level for what people download: about a sixth smaller than a build's own, and minutes slower. */
export const RELEASE_LEVEL = 19;
