const MINUTE = 60_000;
const GIB = 1024 ** 3;

/** How long each part of a build may take, in milliseconds: about five times what a slow machine needs. */
export const timeouts = {
  tools: 20 * MINUTE,
  archive: 5 * MINUTE,
  base: 90 * MINUTE,
  provision: 60 * MINUTE,
  assemble: 15 * MINUTE,
  short: MINUTE,
} as const;

/** What a cold build needs, in bytes; seen: 1.3 GiB tools tree, 0.6 GiB per base, tree and slot. */
export const needs = {
  freeDisk: 8 * GIB,
  memory: 1 * GIB,
} as const;

/** The npm package with Node for the nodes. */
export const nodePackage = {
  /** Bytes of any one file npm may write; the package has about 52 MB. */
  maxBytes: 256 * 1024 ** 2,
  timeoutMs: 10 * MINUTE,
} as const;

/** How patient apt is with a mirror. */
export const network = {
  /** Seconds without a byte until a connection counts as broken. */
  silenceSeconds: 20,
  /** How often a file is asked for again. */
  retries: 2,
  /** Milliseconds apt may go on after it gave up on one file, to say why. */
  lastWordsMs: 5_000,
  /** Milliseconds the question whether there is an archive may take. */
  questionMs: 5_000,
} as const;
