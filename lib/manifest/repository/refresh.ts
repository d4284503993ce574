import { RENEW_BELOW_DAYS } from "../limits.ts";
import type { ManifestChange } from "./change.ts";
import { describeExpiry, expiryOf, isDue } from "./expiry.ts";
import { TIMESTAMP } from "./names.ts";
import {
  changeOf,
  missingRoots,
  nextTargets,
  publishTargets,
  type Signing,
  snapshotFor,
  timestampFor,
} from "./publish.ts";
import { countSignatures, roleIn } from "./signatures.ts";
import type { ManifestState } from "./state.ts";
import { unchanged } from "./targets.ts";

/** What a person has to do before long, because no run without the root key can. */
export function warnings(state: ManifestState, now: Date): readonly string[] {
  const { expires, version } = state.root.signed;
  if (!isDue("root", expires, now)) return [];
  return [`warning: root ${version} has ${describeExpiry(expires, now)}: run ./pi keys rotate root soon`];
}

/**
 * Renews what is about to expire, and publishes what got its last signature. `force`: a new timestamp in any
 * case. Throws ManifestError NO_KEY, WRONG_KEY.
 */
export function refresh(state: ManifestState, signing: Signing, force: boolean): ManifestChange {
  const { now } = signing;
  const said = warnings(state, now);
  const { targets, snapshot, timestamp, pending } = state;
  if (pending !== undefined && isReady(state)) {
    const lines = [...said, `targets ${pending.signed.version} has its signatures`];
    return publishTargets(state, pending, state.pendingChannels, lines, signing);
  }
  if (targets === undefined || snapshot === undefined || timestamp === undefined) {
    return publishTargets(
      state,
      nextTargets(state, {}, now),
      {},
      [...said, "the first manifest, empty"],
      signing,
    );
  }
  if (isDue("targets", targets.signed.expires, now) && pending === undefined) {
    const lines = [...said, `targets: ${describeExpiry(targets.signed.expires, now)}`];
    const next = nextTargets(state, targets.signed.targets, now);
    const change = publishTargets(state, next, state.channels, lines, signing);
    // Left waiting for a person, it must not keep the rest from being renewed.
    if (change.writes.some(({ path }) => path === TIMESTAMP)) return change;
    const rest = renewRest(state, signing, force, []);
    return {
      ...rest,
      lines: [...change.lines, ...rest.lines],
      writes: [...change.writes, ...rest.writes],
      removes: change.removes,
    };
  }
  return renewRest(state, signing, force, said);
}

function isReady(state: ManifestState): boolean {
  if (state.pending === undefined) return false;
  return countSignatures(state.root, "targets", state.pending) >= roleIn(state.root, "targets").threshold;
}

/** Snapshot and timestamp, as far as they are due. */
function renewRest(
  state: ManifestState,
  signing: Signing,
  force: boolean,
  said: readonly string[],
): ManifestChange {
  const { targets, snapshot, timestamp } = state;
  if (targets === undefined || snapshot === undefined || timestamp === undefined)
    return unchanged(state, "nothing");
  const { now } = signing;
  const until = `timestamp ${timestamp.signed.version + 1} until ${expiryOf("timestamp", now).slice(0, 10)}`;
  const versions = { targets: targets.signed.version, snapshot: snapshot.signed.version };
  const pending = state.pending !== undefined;
  if (isDue("snapshot", snapshot.signed.expires, now)) {
    const lines = [...said, `snapshot ${versions.snapshot + 1}, ${until}`];
    const writes = [...missingRoots(state), ...snapshotFor(state, targets, signing)];
    return changeOf(state, lines, writes, { ...versions, snapshot: versions.snapshot + 1 }, pending);
  }
  const { expires } = timestamp.signed;
  if (force || isDue("timestamp", expires, now)) {
    const lines = [...said, `timestamp: ${describeExpiry(expires, now)}; ${until}`];
    return changeOf(
      state,
      lines,
      [...missingRoots(state), timestampFor(state, snapshot, signing)],
      versions,
      pending,
    );
  }
  const line = `nothing to renew: timestamp has ${describeExpiry(expires, now)}, it is renewed below ${RENEW_BELOW_DAYS.timestamp}`;
  const nothing = unchanged(state, line);
  return { ...nothing, lines: [...said, ...nothing.lines] };
}
