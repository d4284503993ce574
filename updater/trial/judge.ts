import { MAX_RETURNS } from "../limits.ts";
import { failed } from "../state/failed.ts";
import { type Build, nameOf, otherSlot, type SlotName, type State, type Trial } from "../state/record.ts";
import {
  buildBefore,
  CRASHED,
  GIVEN_UP,
  hasCrashed,
  isGivenUp,
  isSettling,
  trusted,
  watched,
  watchedAnew,
  wayBack,
} from "./settling.ts";

/** What is true of this boot. */
export interface BootFacts {
  readonly running: { readonly buildId: string; readonly slot: SlotName; readonly bootId: string };
  /** The build each slot holds, as far as RAUC knows: nothing of a slot that was flashed. */
  readonly slotBuilds: Readonly<Partial<Record<SlotName, string>>>;
  /** False where memory stands in for data: what is known of builds is out of reach. */
  readonly dataHolds: boolean;
  /** What RAUC calls the other slot. Bad: it has no attempts left, so it is not started while this one can be. */
  readonly other: "good" | "bad" | "unknown";
  /** Boots that a shutdown ended, by their ids: the latest ones, as far as they were noted down. */
  readonly shutDowns: readonly string[];
  /** Whether this boot made data anew or took over the data of another card (disk contract: FRESH). */
  readonly flashed: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface ChannelProblem {
  readonly reason: string;
  /** Whether it may be the network's or the server's; what lies in the image does not change by waiting. */
  readonly heals: boolean;
}

/** How the node is, looked at again and again until it is well or time is up. */
export interface Health {
  /** Undefined: the units every slot needs run. `pending`: some still start. */
  readonly gate: "well" | "pending" | string;
  readonly failedUnits: readonly string[];
  readonly dataMounted: boolean;
  readonly timeSynchronized: boolean;
  /** Why this build cannot follow the channel by itself; undefined: it can. */
  readonly channelProblem: ChannelProblem | undefined;
  /** What is wrong by each check of health.d that has failed. */
  readonly checks: readonly string[];
}

/** As what this boot is judged. */
export type Standing =
  /** The committed build: marked good when the gate units run, as on every boot. */
  | { readonly kind: "committed" }
  /** No build is committed: the first boot, or all that was known is lost. Taken when its gate passes. */
  | { readonly kind: "first"; readonly reason: string }
  | { readonly kind: "trial"; readonly trial: Trial }
  /** Data is out of reach, and there is no other slot to try: good as far as one can tell, and not remembered. */
  | { readonly kind: "alone"; readonly reason: string }
  /** Data is out of reach, perhaps because of this build: the other slot is tried, this one used up. */
  | { readonly kind: "leave"; readonly reason: string }
  /** A new build that crashed again and again after its gate: back to the one before, as the state says by now. */
  | { readonly kind: "crashed"; readonly to: SlotName; readonly reason: string }
  /** Never marked good: back to the committed build. */
  | { readonly kind: "return"; readonly to: SlotName; readonly reason: string }
  /** Never marked good either, and nothing more is tried: a person has to look. */
  | { readonly kind: "stay"; readonly reason: string };

/** What this boot is, and the state in which a fall-back is recorded before anything else happens. Pure. */
export function standingOf(state: State, facts: BootFacts): Judged {
  const { committed, trial } = state;
  const { running, slotBuilds, flashed } = facts;
  if (!facts.dataHolds) {
    const reason = "data is in memory only, so it is not known whether this build is on trial";
    return { standing: { kind: facts.other === "good" ? "leave" : "alone", reason }, state };
  }
  if (committed === undefined || flashed) {
    const rest = knowingNoBuild(state);
    const reason = flashed ? "this card was flashed anew" : "no build is committed yet";
    return { standing: { kind: "first", reason }, state: { ...rest, returns: 0 } };
  }
  if (running.buildId === committed.buildId) {
    return ofCommitted(afterComingBack(state, facts), committed, facts);
  }
  if (trial !== undefined && running.buildId === trial.buildId)
    return ofTrial(state, committed, trial, facts);
  const before = buildBefore(state);
  if (before !== undefined && isGivenUp(state, facts)) {
    return { standing: { kind: "committed" }, state: backTo(before, state, committed, GIVEN_UP, facts) };
  }
  const stranger = `build ${running.buildId.slice(0, 12)} is neither committed nor on trial`;
  const other = slotBuilds[otherSlot(running.slot)];
  // A slot RAUC knows nothing of was flashed; it may well be the committed one.
  if (committed.slot === running.slot || (other !== undefined && other !== committed.buildId)) {
    const rest = knowingNoBuild(state);
    const reason = `${nameOf(committed)} is in no slot any more`;
    return { standing: { kind: "first", reason }, state: { ...rest, returns: 0 } };
  }
  if (state.returns >= MAX_RETURNS) {
    const reason = `${stranger}, and ${nameOf(committed)} did not start when it was activated ${state.returns} times`;
    return { standing: { kind: "stay", reason }, state };
  }
  const reason = `${stranger}; going back to ${nameOf(committed)}`;
  return {
    standing: { kind: "return", to: committed.slot, reason },
    state: { ...state, returns: state.returns + 1 },
  };
}

/**
 * The committed build runs: a trial that was started and is not running has failed. Returns are forgotten once it is
 * marked good, not here: one that starts and never gets there must not send the node around for ever.
 */
function afterComingBack(state: State, { running, now }: BootFacts): State {
  const { trial, ...rest } = state;
  // Not installed whole, not made the first to start yet, or in this very boot: nothing was tried.
  const tried = trial?.activatedIn !== undefined && trial.activatedIn !== running.bootId;
  if (trial === undefined || !tried) return state;
  const reason = `${nameOf(trial)} did not come up far enough to say why`;
  return failed(rest, trial, reason, now);
}

/** Nothing of what is said of slots is true any more: a rollback would start an empty one. */
function knowingNoBuild(state: State): State {
  const { committed: _, trial: __, previous: ___, ...rest } = trusted(state);
  return rest;
}

interface Judged {
  readonly standing: Standing;
  readonly state: State;
}

/** Trusted, or watched while there is a build to go back to. */
function ofCommitted(state: State, committed: Build, facts: BootFacts): Judged {
  const standing = { kind: "committed" } as const;
  if (!isSettling(state) || buildBefore(state) === undefined) return { standing, state: trusted(state) };
  const seen = watched(state, facts);
  const before = hasCrashed(seen) ? wayBack(seen, facts) : undefined;
  if (before === undefined) return { standing, state: seen };
  return {
    standing: {
      kind: "crashed",
      to: before.slot,
      reason: `${nameOf(committed)}: ${CRASHED}; going back to ${nameOf(before)}`,
    },
    state: backTo(before, seen, committed, CRASHED, facts),
  };
}

/** One that crashes after it was marked good and before it is committed has its attempts back each time, too. */
function ofTrial(state: State, committed: Build, trial: Trial, facts: BootFacts): Judged {
  const seen = watched(state, facts);
  if (!hasCrashed(seen)) return { standing: { kind: "trial", trial }, state: seen };
  return {
    standing: {
      kind: "crashed",
      to: committed.slot,
      reason: `${nameOf(trial)}: ${CRASHED}; going back to ${nameOf(committed)}`,
    },
    state: failed(seen, trial, CRASHED, facts.now),
  };
}

/** The build before is the committed one again. Nobody goes forth once more: what it is left for has failed. */
function backTo(before: Build, state: State, left: Build, reason: string, { now }: BootFacts): State {
  const { previous: _, ...rest } = failed(state, left, reason, now);
  return { ...rest, committed: before, returns: 0 };
}

export type Verdict =
  | { readonly kind: "good" }
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "bad"; readonly reason: string };

/** What is never marked good, however well it is. */
export function isLost(standing: Standing): standing is Standing & { readonly reason: string } {
  return ["crashed", "leave", "return", "stay"].includes(standing.kind);
}

/**
 * Whether a build proves itself. A new one must be no worse than the node was before: what was broken then is not
 * its fault. What can still come, is waited for until time is up; a build that is not on trial needs only the gate.
 */
export function judge(standing: Standing, health: Health | "unknown", timeIsUp: boolean): Verdict {
  if (isLost(standing)) return { kind: "bad", reason: standing.reason };
  const bad = (reason: string): Verdict => ({ kind: "bad", reason });
  const late = (reason: string): Verdict => (timeIsUp ? bad(reason) : { kind: "wait", reason });
  if (health === "unknown") return late("it did not say how it is");
  if (health.gate === "pending") return late("its units did not finish starting");
  if (health.gate !== "well") return bad(health.gate);
  if (standing.kind !== "trial") return { kind: "good" };
  const { before } = standing.trial;
  if (!health.dataMounted) return bad("data is not mounted");
  const worse = health.failedUnits.filter((unit) => !before.failedUnits.includes(unit));
  if (worse.length > 0)
    return late(`units fail or do not finish starting that were well before: ${worse.join(", ")}`);
  if (before.timeSynchronized && !health.timeSynchronized)
    return late("no time server answered, and one did before");
  const { channelProblem } = health;
  if (before.channelReached && channelProblem !== undefined) {
    const reason = `it cannot follow the channel, and the build before could: ${channelProblem.reason}`;
    return channelProblem.heals ? late(reason) : bad(reason);
  }
  if (health.checks.length > 0) return late(`checks fail: ${health.checks.join("; ")}`);
  return { kind: "good" };
}

/** The state once the running build is marked good. */
export function committedState(state: State, standing: Standing, facts: BootFacts): State {
  const { buildId, slot } = facts.running;
  if (standing.kind === "first") return { ...state, committed: { buildId, slot }, returns: 0 };
  if (standing.kind !== "trial") return { ...state, returns: 0 };
  const { version, serial } = standing.trial;
  const { trial: _, wish: __, accepted, streams: ___, ...rest } = state;
  // Of a waypoint, the version that was accepted comes after it.
  const later = accepted !== undefined && serial !== undefined && accepted > serial ? { accepted } : {};
  const floors = { ...state.floors, serial: Math.max(state.floors.serial, serial ?? 0) };
  const previous = state.committed;
  const now = { buildId, version, serial, slot };
  const next = { ...rest, ...later, previous, committed: now, floors, returns: 0 };
  return buildBefore(next) === undefined ? trusted(next) : watchedAnew(next, facts.running);
}
