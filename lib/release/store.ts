/** A file that a release shall have, as it lies on this machine. */
export interface WantedAsset {
  /** Of letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** A file that a store holds. */
export interface StoredAsset {
  /** The store's own handle: GitHub's asset id; in a folder the name. */
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hex; undefined where the store does not say it. */
  readonly sha256: string | undefined;
  /** `starter`: an upload that was begun and never finished. */
  readonly state: "uploaded" | "starter";
}

export interface StoredRelease {
  /** The store's own handle: GitHub's release id; in a folder the tag or the name of the draft. */
  readonly id: string;
  /** `v1.2.3`. */
  readonly tag: string;
  readonly draft: boolean;
  readonly assets: readonly StoredAsset[];
  /** A draft that was not made by this program: what is in it and not wanted is somebody's work. */
  readonly foreign?: boolean;
  /** Published, and frozen by the store itself: the version is burnt if it is wrong. */
  readonly immutable?: boolean;
}

export interface ReleaseDetails {
  readonly tag: string;
  /** Commit the tag stands on, 40 hex digits. */
  readonly commit: string;
  readonly title: string;
  /** Markdown. */
  readonly notes: string;
  readonly prerelease: boolean;
}

/** Told while bytes move, so that a person sees how far it is. */
export type OnBytes = (sentBytes: number) => void;

/**
 * Where releases lie. Every call either has its effect or throws ReleaseError; it may also have its effect and
 * throw, because the answer was lost: who calls asks `releases()` what is there before trying again.
 */
export interface ReleaseStore {
  /** For people: `the folder /srv/releases`, `github.com/OWNER/REPO`. */
  readonly place: string;
  /** Drafts and published ones, in no order. */
  releases(): Promise<readonly StoredRelease[]>;
  createDraft(details: ReleaseDetails): Promise<StoredRelease>;
  /** Streams the file with constant memory; each call opens it anew. */
  upload(release: StoredRelease, asset: WantedAsset, onBytes?: OnBytes): Promise<StoredAsset>;
  remove(release: StoredRelease, asset: StoredAsset): Promise<void>;
  /** SHA-256 (hex) of what the store holds, read as a stream: for assets whose digest it does not say. */
  digestOf(release: StoredRelease, asset: StoredAsset): Promise<string>;
  /** Makes a complete draft visible to everybody. `latest`: whether it becomes the one people get by default. */
  publish(release: StoredRelease, details: ReleaseDetails, latest: boolean): Promise<StoredRelease>;
  /**
   * Finishes what a publishing that was killed left undone beside the published release, which stays as it is.
   * Whether there was something. Only for stores where publishing is more than one step.
   */
  settle?(release: StoredRelease, latest: boolean): Promise<boolean>;
  /** Runs `work` while no other publisher works here; `onWait` is told once when it has to wait for one. */
  exclusively<T>(onWait: () => void, work: () => Promise<T>): Promise<T>;
  /** Copies an asset of a published release to `path`, by rename, when its size and digest are as expected. */
  readonly fetch: (
    release: StoredRelease,
    asset: { readonly name: string; readonly bytes: number; readonly sha256: string },
    path: string,
  ) => Promise<void>;
  /** Where nodes and people get an asset of a published release. Relative (`releases/v1.2.3/x`) in a folder. */
  urlOf(tag: string, name: string): string;
}
