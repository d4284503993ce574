const MINUTE_MS = 60_000;

/** How long each part of making a release may take, in milliseconds: about five times what a slow machine needs. */
export const timeouts = {
  bundle: 15 * MINUTE_MS,
  compress: 60 * MINUTE_MS,
  short: 2 * MINUTE_MS,
} as const;

/**
 * zstd's level for what people download: an image of 185 MB becomes one of 174 MB in 20 s of one processor. Level 19
 * makes it 162 MB and takes minutes, for a second less of a download.
 */
export const RELEASE_LEVEL = 12;

/** What GitHub takes, as its documentation says; kept in a folder as well, so that both hold the same. */
export const ASSET_LIMITS = {
  /** Each file is smaller than 2 GiB, in bytes. */
  maxBytes: 2 ** 31 - 1,
  maxAssets: 1000,
} as const;

/** How often and after which waits one thing is tried again. */
export const RETRIES = {
  /** Per asset, and for each of listing, creating and publishing. */
  tries: 5,
  /** Before the second try; doubled for each later one. */
  firstWaitMs: 2_000,
  /** Up to this share is added by chance, so that two who met do not meet again. */
  jitter: 0.25,
  /** A server that wants to be left alone for longer is not waited for. */
  longestWaitMs: 15 * MINUTE_MS,
} as const;

/** For one file on its way up or down. */
export const TRANSFER_LIMITS = {
  /** Without a byte in either direction; GitHub thinks for a while after the last one. */
  stallMs: 2 * MINUTE_MS,
  totalMs: 180 * MINUTE_MS,
  maxAnswerBytes: 2 ** 31,
} as const;

/** For questions and answers without files. */
export const CALL_LIMITS = {
  stallMs: MINUTE_MS / 2,
  totalMs: 2 * MINUTE_MS,
  /** A hundred releases with their notes, of 125,000 characters at most, and the records of their files. */
  maxAnswerBytes: 64 * 1024 * 1024,
} as const;

/** For a workflow that is started and waited for. */
export const WORKFLOW_WAITS = {
  everyMs: 5_000,
  longestMs: 25 * MINUTE_MS,
  /** How often it is started where others push it out of the queue. */
  starts: 3,
} as const;
