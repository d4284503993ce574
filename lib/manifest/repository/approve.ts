import { ManifestError } from "../failure.ts";
import type { ManifestChange } from "./change.ts";
import { metadataBytes, readMetadata, type Signed } from "./metadata.ts";
import { PENDING } from "./names.ts";
import { changeOf, publishTargets, type Signing } from "./publish.ts";
import { countSignatures, roleIn, signWith } from "./signatures.ts";
import { canSign, knownKeys, requireKeys } from "./signers.ts";
import type { ManifestState } from "./state.ts";

/** What the waiting targets would change, one line per target: what a person signs for. */
export function describePending(state: ManifestState): readonly string[] {
  const now = state.targets?.signed.targets ?? {};
  const next = state.pending?.signed.targets ?? {};
  const paths = [...new Set([...Object.keys(now), ...Object.keys(next)])].sort();
  return paths.flatMap((path) => {
    const [before, after] = [now[path]?.hashes.sha256, next[path]?.hashes.sha256];
    if (before === after) return [];
    if (after === undefined) return [`- ${path}`];
    return [`${before === undefined ? "+" : "~"} ${path} ${next[path]?.length} bytes sha256 ${after}`];
  });
}

function requirePending(state: ManifestState): Signed<"targets"> {
  if (state.pending !== undefined) return state.pending;
  throw new ManifestError("PENDING", `nothing waits for a signature in ${PENDING}`, {
    fix: "make a release first; what is published already needs no approval",
  });
}

/**
 * Signs the targets that wait, with the targets keys at hand; publishes them where that is the last signature
 * and the online key is here as well. Else `./pi manifest refresh` does, where it is. Throws ManifestError:
 * PENDING, NO_KEY, WRONG_KEY.
 */
export function approve(state: ManifestState, signing: Signing): ManifestChange {
  const { signers } = signing;
  const waiting = requirePending(state);
  if (knownKeys(signers, state.root, "targets").length === 0) requireKeys(signers, state.root, "targets");
  const pending = readMetadata("targets", PENDING, metadataBytes(waiting));
  signWith(pending, knownKeys(signers, state.root, "targets"));
  const { threshold } = roleIn(state.root, "targets");
  const found = countSignatures(state.root, "targets", pending);
  const lines = [
    ...describePending(state),
    `targets ${pending.signed.version}: ${found} of ${threshold} signatures`,
  ];
  if (
    found >= threshold &&
    canSign(signers, state.root, "timestamp") &&
    canSign(signers, state.root, "snapshot")
  ) {
    return publishTargets(state, pending, state.pendingChannels, lines, signing);
  }
  const next =
    found >= threshold ? "publish it where the online key is: ./pi manifest refresh" : "it waits for more";
  const content = metadataBytes(pending);
  const same = Buffer.from(state.files.get(PENDING) ?? []).equals(content);
  const current = {
    targets: state.targets?.signed.version ?? 0,
    snapshot: state.snapshot?.signed.version ?? 0,
  };
  return changeOf(state, [...lines, next], same ? [] : [{ path: PENDING, content }], current, true);
}
