/** The largest key or certificate file that is read, in bytes; ours are below 1 KiB. */
export const MAX_PEM_BYTES = 16 * 1024;

/** The largest signature that is looked at, in bytes; ours are about 900. */
export const MAX_SIGNATURE_BYTES = 16 * 1024;

/**
 * From when certificates are valid. A Pi has no clock of its own: one that starts with the date of its image,
 * or some years behind, still has to take an update.
 */
export const VALID_FROM = new Date("2020-01-01T00:00:00Z");

/** How long a certificate is valid after it was made, in years. */
export const validYears = {
  /** Nodes carry it, and changing it takes two releases: longer than the machines live. */
  ca: 30,
  /** A new one needs nothing of the nodes. */
  leaf: 10,
} as const;

/** How many root keys can be made at once; each of them has its own keeper. */
export const MAX_ROOTS = 9;

/** How old what a killed run left of a new key folder is before it is removed, in milliseconds. */
export const LEFTOVER_MS = 60 * 60_000;
