import type { RoleName } from "../../keys/keys.ts";
import { ManifestError } from "../failure.ts";
import type { ManifestChange, ManifestWrite } from "./change.ts";
import { isDue } from "./expiry.ts";
import { metadataBytes, type Signed } from "./metadata.ts";
import { versionedName } from "./names.ts";
import {
  changeOf,
  type Floor,
  missingRoots,
  nextTargets,
  publishTargets,
  type Signing,
  snapshotFor,
} from "./publish.ts";
import {
  checkThresholds,
  contentOfRoot,
  type RoleKeys,
  type RootContent,
  rootName,
  unsignedRoot,
} from "./root.ts";
import { countSignatures, roleIn, signWith } from "./signatures.ts";
import { requireKeys } from "./signers.ts";
import type { ManifestState } from "./state.ts";
import { unchanged } from "./targets.ts";

export interface RotateRequest {
  readonly role: RoleName;
  /** Who is to sign from now on. */
  readonly next: RoleKeys;
  /**
   * Of the online key: somebody else has it, and may have signed versions so high that nothing follows them. The
   * state is then one of recoverState, and versions are counted anew; readers forget the old ones with the key
   * (TUF specification 5.3.11).
   */
  readonly compromised?: boolean;
}

/** Room for a thousand versions below each root: never used before, and small. */
const VERSIONS_PER_ROOT = 1000;

/** Signed by the threshold of the root before and its own. Throws ManifestError NO_KEY. */
function nextRoot(state: ManifestState, content: RootContent, { signers, now }: Signing): Signed<"root"> {
  const root = unsignedRoot(content, state.root.signed.version + 1, now);
  requireKeys(signers, state.root, "root");
  const wanted = new Set([...roleIn(state.root, "root").keyIds, ...roleIn(root, "root").keyIds]);
  signWith(
    root,
    signers.root.filter(({ keyId }) => wanted.has(keyId)),
  );
  for (const [name, by] of [
    ["the root before", state.root],
    ["the new root", root],
  ] as const) {
    const { threshold } = roleIn(by, "root");
    const found = countSignatures(by, "root", root);
    if (found >= threshold) continue;
    throw new ManifestError(
      "NO_KEY",
      `${rootName(root)} has ${found} of ${threshold} signatures that ${name} asks for`,
      {
        fix: `put the root keys that are missing into ${signers.place} and run it again`,
      },
    );
  }
  return root;
}

function withRoot(
  state: ManifestState,
  root: Signed<"root">,
  writes: readonly ManifestWrite[],
): ManifestState {
  const files = new Map(state.files);
  for (const { path, content } of writes) files.set(path, content);
  return { ...state, files, roots: [...state.roots, root], root };
}

function union(old: RoleKeys, next: RoleKeys): RoleKeys {
  const keys = new Map([...old.keys, ...next.keys].map((key) => [key.keyId, key]));
  return { keys: [...keys.values()], threshold: Math.min(old.threshold, next.threshold) };
}

const idsOf = (role: RoleKeys): readonly string[] => role.keys.map(({ keyId }) => keyId).sort();

function isSame(a: RoleKeys, b: RoleKeys): boolean {
  return a.threshold === b.threshold && idsOf(a).join() === idsOf(b).join();
}

/** Whether the root knows the new keys beside the old ones: an earlier run was stopped on its way. */
function isBetween(now: RoleKeys, next: RoleKeys): boolean {
  return idsOf(next).every((id) => idsOf(now).includes(id)) && now.threshold <= next.threshold;
}

/** Whether what the role signs is signed by these keys and no others. */
function isSignedBy(state: ManifestState, role: RoleName, keyIds: readonly string[]): boolean {
  const files = role === "targets" ? [state.targets] : [state.snapshot, state.timestamp];
  return files.every(
    (file) => file !== undefined && Object.keys(file.signatures).sort().join() === keyIds.join(),
  );
}

export interface Rotation {
  readonly change: ManifestChange;
  /** The new keys/root.json. */
  readonly root: Uint8Array;
}

/**
 * Other keys for a role. Targets and online keys are handed over in two roots: one that knows the old and the
 * new keys, then all that the new keys sign, then one that knows only the new. So there is no moment at which a
 * reader finds a file its root does not know, and the old key is not needed. Throws ManifestError NO_KEY.
 */
export function rotate(state: ManifestState, request: RotateRequest, signing: Signing): Rotation {
  const { role, next, compromised = false } = request;
  const now = contentOfRoot(state.root);
  const final: RootContent = { ...now, [role]: next };
  checkThresholds(final);
  const stolen = compromised && role === "online";
  if (
    isSame(now[role], next) &&
    !(stolen && state.targets !== undefined) &&
    !(role === "root" && isDue("root", state.root.signed.expires, signing.now))
  ) {
    const said = `nothing changes: these are the ${role} keys already`;
    return { change: unchanged(state, said), root: metadataBytes(state.root) };
  }
  const first = missingRoots(state);
  const write = (root: Signed<"root">): ManifestWrite => ({
    path: rootName(root),
    content: metadataBytes(root),
  });
  const current = {
    targets: state.targets?.signed.version ?? 0,
    snapshot: state.snapshot?.signed.version ?? 0,
  };
  const lines = [
    `${role}: ${now[role].keys.length} key(s), threshold ${now[role].threshold} -> ${next.keys.length} key(s), threshold ${next.threshold}`,
  ];
  if (role === "root" || state.targets === undefined) {
    const root = nextRoot(state, final, signing);
    const change = changeOf(
      state,
      [...lines, `${rootName(root)}`],
      [...first, write(root)],
      current,
      state.pending !== undefined,
    );
    return { change, root: metadataBytes(root) };
  }
  if (role === "targets" && state.pending !== undefined) {
    throw new ManifestError(
      "PENDING",
      `targets ${state.pending.signed.version} waits for signatures of the old keys`,
      {
        fix: "finish that first: ./pi keys approve",
      },
    );
  }
  if (stolen) return replaceStolen(state, state.targets, final, lines, signing);
  const begun = isBetween(now[role], next);
  const both = begun ? state.root : nextRoot(state, { ...now, [role]: union(now[role], next) }, signing);
  const start = begun ? first : [...first, write(both)];
  const between = begun ? state : withRoot(state, both, start);
  const renewed = renew(between, state.targets, role, final, signing);
  const last = nextRoot(between, final, signing);
  const said = [
    ...lines,
    `${rootName(both)} (old and new keys), then all they sign, then ${rootName(last)} (new keys only)`,
  ];
  return {
    change: { lines: said, writes: [...start, ...renewed.writes, write(last)], removes: renewed.removes },
    root: metadataBytes(last),
  };
}

/** What the role signs, signed by the keys of the final root alone. */
function renew(
  state: ManifestState,
  targets: Signed<"targets">,
  role: RoleName,
  final: RootContent,
  signing: Signing,
): ManifestChange {
  const { signers } = signing;
  const ids = final[role].keys.map(({ keyId }) => keyId);
  const keys = signers[role].filter(({ keyId }) => ids.includes(keyId));
  if (keys.length < final[role].threshold) {
    throw new ManifestError(
      "NO_KEY",
      `the new ${role} keys must sign: ${keys.length} of ${final[role].threshold} are in ${signers.place}`,
      {
        fix: "put the new keys there and run it again",
      },
    );
  }
  if (isSignedBy(state, role, idsOf(final[role]))) return unchanged(state, "");
  const renewing: Signing = { ...signing, signers: { ...signers, [role]: keys } };
  if (role === "targets") {
    const next = nextTargets(state, targets.signed.targets, signing.now);
    return publishTargets(state, next, state.channels, [], renewing);
  }
  const versions = { targets: targets.signed.version, snapshot: (state.snapshot?.signed.version ?? 0) + 1 };
  return changeOf(state, [], snapshotFor(state, targets, renewing), versions, state.pending !== undefined);
}

/** The old online key leaves at once; between the new root and the new timestamp readers refuse the manifest. */
function replaceStolen(
  state: ManifestState,
  targets: Signed<"targets">,
  final: RootContent,
  lines: readonly string[],
  signing: Signing,
): Rotation {
  // Where the root is there already, an earlier run was stopped behind it.
  const done = isSame(contentOfRoot(state.root).online, final.online);
  const root = done ? state.root : nextRoot(state, final, signing);
  const own = done ? [] : [{ path: rootName(root), content: metadataBytes(root) }];
  const start = [...missingRoots(state), ...own];
  const version = root.signed.version * VERSIONS_PER_ROOT;
  const floor: Floor = { snapshot: version, timestamp: version };
  const writes = [...start, ...snapshotFor(withRoot(state, root, start), targets, signing, floor)];
  const versions = { targets: targets.signed.version, snapshot: version + 1 };
  const said = [
    ...lines,
    `${rootName(root)}, ${versionedName("snapshot", version + 1)}: the stolen key counts no more`,
  ];
  return { change: changeOf(state, said, writes, versions, false), root: metadataBytes(root) };
}
