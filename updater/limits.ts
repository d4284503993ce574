const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY_MS = 24 * HOUR;

/** A clock may differ from a server's by so much, in milliseconds. Certificates and metadata live far longer. */
export const CLOCK_TOLERANCE_MS = DAY_MS;

/** How long a run waits for the first time from the network, in milliseconds; the next run asks again. */
export const TIME_SYNC_WAIT_MS = 90 * SECOND;

/** One question for the Date of a server, in milliseconds. */
export const DATE_TIMEOUT_MS = 20 * SECOND;

/** A state file is some kB; whatever is larger, this program did not write. In bytes. */
export const MAX_STATE_BYTES = 256 * KIB;

/** 37 bytes for each shutdown while a new build is not trusted yet. In bytes. */
export const MAX_SHUT_DOWNS_BYTES = 64 * KIB;

/** Installations of one serial that were cut off, or that RAUC ended, before they count as failed. */
export const MAX_INSTALL_ATTEMPTS = 5;

/** Failed builds that are remembered, the newest: the state must stay small, whatever a channel brings in years. */
export const MAX_FAILED = 50;

/** Streams of one serial that fail before the bundle is downloaded whole instead. */
export const MAX_FAILED_STREAMS = 2;

/** How often a node goes back to its committed slot by itself, before it stays where it is and alarms. */
export const MAX_RETURNS = 2;

/**
 * A new build is trusted once it was up for so long after its commit, in milliseconds. The timer
 * home-pi-update-settled.timer waits, by a clock nobody sets.
 */
export const SETTLED_AFTER_MS = 15 * MINUTE;

/** Starts of a new build that no shutdown ended, before it is trusted: then the node goes back. */
export const MAX_CRASHES = 3;

/** What heals by itself has had the time to: a channel not read for so long is for a person. In milliseconds. */
export const UNREAD_ALARM_MS = 3 * DAY_MS;

/** From so many days before metadata runs out, status counts them. */
export const EXPIRY_WARNING_DAYS = 14;

export const proxy = {
  /** What the cache is kept in, and the least that is asked of a server, in bytes: dm-verity reads no less. */
  blockBytes: 4 * KIB,
  /** All cached blocks together, in bytes. */
  cacheBytes: 4 * MIB,
  /** A reader that has gone straight on for so long is read ahead of, in bytes. */
  straightBytes: 128 * KIB,
  /** How far it is read ahead of at the most, in bytes. */
  readAheadBytes: MIB,
  /** The largest range one request may ask for, in bytes. The kernel's own limit for nbd is far below. */
  maxRangeBytes: 4 * MIB,
  /** Requests to servers at one time. */
  parallel: 4,
  /** Without a byte from a server, in milliseconds. */
  stallMs: 20 * SECOND,
  /** For one range of a server, in milliseconds: 17 KiB/s at the least for a full read-ahead. */
  rangeMs: MINUTE,
  /** For one read by RAUC, all retries and mirrors included, in milliseconds. The kernel gives nbd 300 s. */
  readMs: 200 * SECOND,
  /** First pause after all mirrors failed, and the longest one, in milliseconds. */
  firstPauseMs: SECOND,
  longestPauseMs: 30 * SECOND,
  /** Redirects on the way to a file. */
  redirects: 8,
} as const;

export const rauc = {
  /** One call on the bus, in milliseconds. */
  callMs: 30 * SECOND,
  /** `rauc status` reads the boot state with two small programs, in milliseconds. */
  statusMs: MINUTE,
  /** Between two looks at the progress, in milliseconds. */
  pollMs: 2 * SECOND,
  /** Without any progress, in milliseconds: hashing two slots on a Pi 3 shows none for minutes. */
  stallMs: 20 * MINUTE,
  /** For one installation, in milliseconds. */
  installMs: 3 * HOUR,
} as const;

export const download = {
  /** For one file, in milliseconds. */
  totalMs: 2 * HOUR,
  /** Left free on data besides the bundle, in bytes. */
  spareBytes: 128 * MIB,
} as const;

export const trial = {
  /** From the start of the gate until a new build must have proved itself, in milliseconds. */
  deadlineMs: 10 * MINUTE,
  /** Between two looks, in milliseconds. */
  pollMs: 5 * SECOND,
  /** A new build has to be well for so long, at every look: one that comes and goes is not. In milliseconds. */
  steadyMs: 30 * SECOND,
  /** For one check in health.d, in milliseconds. */
  checkMs: MINUTE,
  /**
   * From the start of the gate until its last check has to end, in milliseconds: checks that hang must not outlast the
   * gate's unit (15 minutes), which would be ended without a word of why.
   */
  checksEndMs: 12 * MINUTE,
} as const;
