import { MAX_CRASHES, MAX_RETURNS, SETTLED_AFTER_MS } from "../limits.ts";
import { type Build, otherSlot, type State } from "../state/record.ts";
import type { BootFacts } from "./judge.ts";

/*
 * A build that passes its gate gets its attempts back on every start, so one that crashes after that would be started
 * for ever. Until a new build has stayed up for a while, its starts are watched: those that no shutdown ended are
 * counted. A start in which the gate did not run is not seen here; the boot script's attempts end those.
 */

const minutes = SETTLED_AFTER_MS / 60_000;
export const CRASHED = `it passed its gate, and crashed or lost power ${MAX_CRASHES} times before it was up for ${minutes} minutes`;
export const GIVEN_UP = "it passed its gate, and did not come up again afterwards";

/**
 * The state in which this start of a new build is known, and how the one before it ended is counted. Looking again in
 * the same boot changes nothing. Pure.
 */
export function watched(state: State, { running, shutDowns }: BootFacts): State {
  const { buildId, bootId } = running;
  const { settling } = state;
  if (settling?.buildId !== buildId) return watchedAnew(state, { buildId, bootId });
  if (settling.bootId === bootId) return state;
  const crashes = settling.crashes + (shutDowns.includes(settling.bootId) ? 0 : 1);
  return { ...state, settling: { buildId, bootId, crashes } };
}

/** The state from which on the starts of a build are watched, the running one being the first. */
export function watchedAnew(
  state: State,
  { buildId, bootId }: Pick<BootFacts["running"], "buildId" | "bootId">,
): State {
  return { ...state, settling: { buildId, bootId, crashes: 0 } };
}

/** The state in which nothing is counted any more: the running build is one like any other. */
export function trusted({ settling: _, ...rest }: State): State {
  return rest;
}

export function isSettling({ settling, committed }: State): boolean {
  return settling !== undefined && settling.buildId === committed?.buildId;
}

export function hasCrashed({ settling }: State): boolean {
  return (settling?.crashes ?? 0) >= MAX_CRASHES;
}

/** What was committed before, unless it has failed itself: a person may have gone back from it. */
export function buildBefore({ previous, failed }: State): Build | undefined {
  return failed.some(({ buildId }) => buildId === previous?.buildId) ? undefined : previous;
}

/**
 * The build before, where it is still whole in the other slot; undefined: there is no way back. RAUC may call that slot
 * bad: a gate of that build took its attempts when it went back to this one, and they come back with the activation.
 * One that was begun to be written over is no `previous` any more.
 */
export function wayBack(state: State, { running, slotBuilds, other }: BootFacts): Build | undefined {
  const before = buildBefore(state);
  if (before === undefined || before.slot !== otherSlot(running.slot) || other === "unknown")
    return undefined;
  // RAUC knows nothing of a slot that was flashed.
  const found = slotBuilds[before.slot];
  return found === undefined || found === before.buildId ? before : undefined;
}

/**
 * Whether the build before runs because the committed one, which nobody trusts yet, did not come up any more: its
 * attempts are used up after a crash, or it was activated again in vain.
 */
export function isGivenUp(state: State, { running, shutDowns, other }: BootFacts): boolean {
  const before = buildBefore(state);
  if (before?.buildId !== running.buildId || before.slot !== running.slot || !isSettling(state)) return false;
  // After a shutdown it may be a person who was too quick: three starts that are ended before the gate look the same.
  const crashed = !shutDowns.includes(state.settling?.bootId ?? "");
  return (crashed && other === "bad") || state.returns >= MAX_RETURNS;
}
