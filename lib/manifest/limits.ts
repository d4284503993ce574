/** How long each kind of metadata is valid after it was signed, in days. */
export const VALID_DAYS = { root: 365, targets: 365, snapshot: 365, timestamp: 30 } as const;

/**
 * Signed anew when fewer days are left. A timestamp of 30 days that is renewed below 23 is renewed weekly and
 * survives three missed weeks; the others leave time for a person to find the key.
 */
export const RENEW_BELOW_DAYS = { root: 120, targets: 120, snapshot: 120, timestamp: 23 } as const;

/** Versions of targets and snapshot that stay, the current one included: for readers in the middle of a read. */
export const KEPT_VERSIONS = 10;

/** What a reader takes at most, in bytes; far above what 1000 releases need. */
export const MAX_BYTES = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 65_536,
  targets: 5_000_000,
  channel: 512_000,
} as const;

/** Roots a reader follows in one go. */
export const MAX_ROOTS = 256;

/** Above it lies nothing this project wrote: whoever signed that wanted versions to run out. */
export const MAX_VERSION = 1_000_000_000;

/** For one file over the network, in milliseconds. */
export const FETCH_TIMEOUT_MS = 60_000;

/** For one call of git: a clone or push of some hundred kB, in milliseconds. */
export const GIT_TIMEOUT_MS = 120_000;

/** For another writer of the same folder, in milliseconds. */
export const LOCK_WAIT_MS = 60_000;

/** How often a change is planned anew because somebody else was faster. */
export const MAX_ATTEMPTS = 3;
