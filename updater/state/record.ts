import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const serial = z.int().nonnegative();
/** Milliseconds since 1970, by the node's own clock. */
const moment = z.number().nonnegative();
const slot = z.enum(["A", "B"]);
const line = z.string().max(500);

// Of a later format only fields are added: a build that comes back after a newer one failed reads what it knows.
const build = z.object({
  buildId: sha256,
  /** Unknown until the manifest names the build: an image carries no version. */
  version: z.string().optional(),
  serial: serial.optional(),
  slot,
});

const trial = z.object({
  buildId: sha256,
  version: z.string().optional(),
  serial: serial.optional(),
  slot,
  /** `installing` until it reads back as it should; `installed` from there until its own gate has judged it. */
  phase: z.enum(["installing", "installed"]),
  /** Whether a person asked for it: it may be older, and does not wait for the window. */
  asked: z.boolean(),
  /**
   * The boot in which it was made the first to start: found in another boot of the old build, it has been tried in
   * between. Undefined: it was not tried yet.
   */
  activatedIn: z.string().optional(),
  /** How often its installation began. */
  attempts: z.int().positive(),
  /** How the node was before: what was broken then is not the new build's fault. */
  before: z.object({
    failedUnits: z.array(z.string()),
    timeSynchronized: z.boolean(),
    channelReached: z.boolean(),
  }),
});

/** How the starts of a new build ended, until it is trusted. */
const settling = z.object({
  /** The new build: on trial, or committed. */
  buildId: sha256,
  /** Its last start, as far as a gate has seen: how it ended is known on the next one only. */
  bootId: z.string(),
  /** Starts that ended without a shutdown. */
  crashes: z.int().nonnegative(),
});

const failure = z.object({
  buildId: sha256,
  version: z.string().optional(),
  serial: serial.optional(),
  reason: line,
  at: moment,
});

/** SHA-256 over the ids of the keys that a root names for a role. */
const keysOfRoles = z.object({ timestamp: sha256, snapshot: sha256, targets: sha256 });

/** Numbers that only grow: whatever is below them was shown before, by somebody who has no newer one. */
const floors = z.object({
  root: serial,
  timestamp: serial,
  snapshot: serial,
  targets: serial,
  /** Of the newest build that was committed. */
  serial,
  /** The newest time that was trusted. */
  lastKnownTime: moment,
  /** Whose numbers those of timestamp, snapshot and targets are: those of other keys begin anew. */
  keys: keysOfRoles.optional(),
});

/** All an updater remembers between runs. */
export const stateRecord = z.object({
  format: z.literal(1),
  /** What the node goes back to when anything else does not prove itself. Unknown on the first boot. */
  committed: build.optional(),
  /** What was committed before, and is still in the other slot. */
  previous: build.optional(),
  trial: trial.optional(),
  settling: settling.optional(),
  floors,
  failed: z.array(failure),
  /** Failed streams of one serial. */
  streams: z.object({ serial, failed: z.int().nonnegative() }).optional(),
  paused: z.boolean(),
  /** In mode `ask`: the serial a person said yes to. */
  accepted: serial.optional(),
  /** What a person asked to be installed. */
  wish: z.object({ version: z.string(), older: z.boolean() }).optional(),
  /** How often the committed slot was activated and booted without ever running. */
  returns: z.int().nonnegative(),
  /** When the manifest was read and found right last. */
  lastCheck: moment.optional(),
});

export type State = z.infer<typeof stateRecord>;
export type Build = z.infer<typeof build>;
export type Trial = z.infer<typeof trial>;
export type FailedBuild = z.infer<typeof failure>;
export type SlotName = z.infer<typeof slot>;

/** What a node knows that knows nothing: nothing committed, no floors. */
export const emptyState: State = {
  format: 1,
  floors: { root: 0, timestamp: 0, snapshot: 0, targets: 0, serial: 0, lastKnownTime: 0 },
  failed: [],
  paused: false,
  returns: 0,
};

export type KeysOfRoles = z.infer<typeof keysOfRoles>;
type Signed = keyof KeysOfRoles;

/**
 * The parts of a manifest whose numbers begin anew where a root names other keys than the floors were seen with
 * (TUF specification, 5.3.11: somebody may have stolen the old ones and signed the numbers away). Timestamp and
 * snapshot go together: one names the other's version.
 */
export function begunAnew(had: KeysOfRoles | undefined, has: KeysOfRoles | undefined): ReadonlySet<Signed> {
  if (had === undefined || has === undefined) return new Set();
  const online = had.timestamp !== has.timestamp || had.snapshot !== has.snapshot;
  return new Set([
    ...(online ? (["timestamp", "snapshot"] as const) : []),
    ...(had.targets === has.targets ? [] : (["targets"] as const)),
  ]);
}

/** The higher of each floor, where the numbers are of the same keys. */
export function raiseFloors(a: State["floors"], b: State["floors"]): State["floors"] {
  const anew = begunAnew(a.keys, b.keys);
  const higher = (name: Exclude<keyof State["floors"], "keys">): number => Math.max(a[name], b[name]);
  const signed = (name: Signed): number => (anew.has(name) ? b[name] : higher(name));
  const keys = b.keys ?? a.keys;
  return {
    root: higher("root"),
    timestamp: signed("timestamp"),
    snapshot: signed("snapshot"),
    targets: signed("targets"),
    serial: higher("serial"),
    lastKnownTime: higher("lastKnownTime"),
    ...(keys === undefined ? {} : { keys }),
  };
}

/** `v1.2.3`, or the first of its build id where no manifest has named it yet. */
export function nameOf(build: { readonly buildId: string; readonly version?: string | undefined }): string {
  return build.version === undefined ? `build ${build.buildId.slice(0, 12)}` : `v${build.version}`;
}

export function otherSlot(slot: SlotName): SlotName {
  return slot === "A" ? "B" : "A";
}
