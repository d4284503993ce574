import type { ReleaseDetails, StoredAsset, StoredRelease, WantedAsset } from "./store.ts";
import { compareVersions, parseVersion, type Version } from "./version.ts";

/** What is done about one file, in the order of a plan: first what goes, then what comes. */
export type AssetAction =
  /** Not wanted, in a draft of ours. */
  | { readonly kind: "remove"; readonly name: string; readonly stored: StoredAsset }
  /** An upload somebody began: GitHub keeps its name taken until it is deleted. */
  | { readonly kind: "delete-starter"; readonly name: string; readonly stored: StoredAsset }
  | { readonly kind: "skip"; readonly name: string; readonly wanted: WantedAsset }
  /** As large as it should be, and the store does not say its digest. */
  | {
      readonly kind: "hash";
      readonly name: string;
      readonly wanted: WantedAsset;
      readonly stored: StoredAsset;
    }
  | {
      readonly kind: "replace";
      readonly name: string;
      readonly wanted: WantedAsset;
      readonly stored: StoredAsset;
    }
  | { readonly kind: "upload"; readonly name: string; readonly wanted: WantedAsset }
  /** Cannot be put right without changing what others may rely on. */
  | { readonly kind: "refuse"; readonly name: string; readonly why: string };

export type ReleaseChoice =
  | { readonly kind: "create" }
  | { readonly kind: "use-draft"; readonly release: StoredRelease }
  /** It is published: nothing of it is changed any more. */
  | { readonly kind: "verify-only"; readonly release: StoredRelease };

export interface PublishPlan {
  readonly tag: string;
  readonly release: ReleaseChoice;
  readonly actions: readonly AssetAction[];
  /** Whether this becomes the release people get by default: it is the highest stable one. */
  readonly latest: boolean;
  /** Other drafts of the tag, left alone. */
  readonly otherDrafts: readonly StoredRelease[];
}

/** What has to be done so that a store's release of a tag has exactly the wanted files. */
export function reconcile(
  details: Pick<ReleaseDetails, "tag">,
  wanted: readonly WantedAsset[],
  stored: readonly StoredRelease[],
): PublishPlan {
  const ofTag = stored.filter(({ tag }) => tag === details.tag);
  const drafts = ofTag.filter(({ draft }) => draft).sort(oursAndOldest);
  const published = ofTag.find(({ draft }) => !draft);
  const latest = isLatest(details.tag, stored);
  const plan = { tag: details.tag, latest } as const;
  if (published !== undefined) {
    const actions = actionsFor(wanted, published, refuseChange);
    return { ...plan, release: { kind: "verify-only", release: published }, actions, otherDrafts: drafts };
  }
  const [first, ...otherDrafts] = drafts;
  if (first === undefined) {
    const actions = wanted.map((asset) => ({ kind: "upload", name: asset.name, wanted: asset }) as const);
    return { ...plan, release: { kind: "create" }, actions, otherDrafts };
  }
  const actions = actionsFor(wanted, first, first.foreign === true ? refuseRemoval : (action) => action);
  return { ...plan, release: { kind: "use-draft", release: first }, actions, otherDrafts };
}

/** Ours before somebody else's; GitHub's ids are numbers, and the lowest is the oldest draft. */
function oursAndOldest(a: StoredRelease, b: StoredRelease): number {
  const foreign = Number(a.foreign === true) - Number(b.foreign === true);
  return foreign || Number(a.id) - Number(b.id) || (a.id < b.id ? -1 : 1);
}

type Rule = (action: AssetAction) => AssetAction;

const refuseChange: Rule = (action) => {
  const { kind, name } = action;
  if (kind === "skip" || kind === "hash" || kind === "refuse") return action;
  const why = {
    upload: "is missing",
    replace: "is another file there",
    remove: "does not belong to it",
    "delete-starter": "is there as a half upload",
  }[kind];
  return { kind: "refuse", name, why };
};

const refuseRemoval: Rule = (action) =>
  action.kind === "remove"
    ? { kind: "refuse", name: action.name, why: "lies in a draft that somebody else made" }
    : action;

function actionsFor(wanted: readonly WantedAsset[], release: StoredRelease, rule: Rule): AssetAction[] {
  const names = new Set(wanted.map(({ name }) => name));
  const gone = release.assets.flatMap((stored): AssetAction[] => {
    if (stored.state === "starter") return [{ kind: "delete-starter", name: stored.name, stored }];
    return names.has(stored.name) ? [] : [{ kind: "remove", name: stored.name, stored }];
  });
  const come = wanted.map((asset) => actionFor(asset, release));
  return [...gone, ...come].map(rule);
}

function actionFor(wanted: WantedAsset, release: StoredRelease): AssetAction {
  const { name } = wanted;
  const stored = release.assets.find((asset) => asset.name === name && asset.state === "uploaded");
  if (stored === undefined) return { kind: "upload", name, wanted };
  if (stored.bytes !== wanted.bytes) return { kind: "replace", name, wanted, stored };
  if (stored.sha256 === undefined) return { kind: "hash", name, wanted, stored };
  return stored.sha256 === wanted.sha256
    ? { kind: "skip", name, wanted }
    : { kind: "replace", name, wanted, stored };
}

/** Whether no published stable version is above it; it has to be stable itself. */
function isLatest(tag: string, stored: readonly StoredRelease[]): boolean {
  const own = parseVersion(tag);
  const others = stored.filter(({ draft }) => !draft).flatMap((release) => versionOf(release.tag));
  return !own.prerelease && others.every((other) => other.prerelease || compareVersions(other, own) <= 0);
}

/** A repository may have tags of its own that are no versions. */
function versionOf(tag: string): Version[] {
  try {
    return [parseVersion(tag)];
  } catch {
    return [];
  }
}
