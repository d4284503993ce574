import { previousOf } from "./carry-over.ts";
import { versionsOf } from "./choose-version.ts";
import { ReleaseError } from "./failure.ts";
import { openPublished, type PreviousRelease } from "./previous.ts";
import type { ReleaseStore, StoredRelease } from "./store.ts";
import type { Version } from "./version.ts";

/** What published releases are held against, and where their files are looked at. */
export interface Trust {
  /** PEM. */
  readonly ca: string;
  readonly scratch: string;
  readonly now: Date;
}

/** The release whose unchanged builds are carried over into `version`; undefined for the first of its channel. */
export async function openPrevious(
  store: ReleaseStore,
  stored: readonly StoredRelease[],
  version: Version,
  { ca, scratch, now }: Trust,
): Promise<PreviousRelease | undefined> {
  const published = stored.filter(({ draft }) => !draft);
  const before = previousOf(version, versionsOf(published.map(({ tag }) => tag)));
  const release = published.find(({ tag }) => tag === before?.tag);
  return release === undefined ? undefined : openPublished(store, release, ca, scratch, now);
}

/**
 * A release that is published under this tag, opened. It is never changed: throws ReleaseError CONFLICT where it was
 * made from another commit, NOT_FOUND where there is none.
 */
export async function openTagged(
  store: ReleaseStore,
  stored: readonly StoredRelease[],
  wanted: { readonly tag: string; readonly commit?: string },
  { ca, scratch, now }: Trust,
): Promise<PreviousRelease> {
  const { tag, commit } = wanted;
  const release = stored.find((one) => one.tag === tag && !one.draft);
  if (release === undefined) {
    throw new ReleaseError("NOT_FOUND", `no release ${tag} is published in ${store.place}`, {
      fix: "release it first; drafts do not count",
    });
  }
  const opened = await openPublished(store, release, ca, scratch, now);
  if (commit !== undefined && opened.document.commit !== commit) {
    throw new ReleaseError(
      "CONFLICT",
      `${tag} is published in ${store.place}, from commit ${opened.document.commit}`,
      {
        details: [`HEAD is ${commit}`],
        fix: "a published release is never changed: release this commit under the next version",
      },
    );
  }
  return opened;
}
