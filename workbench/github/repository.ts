import { createHash } from "node:crypto";

export interface FakeAsset {
  readonly id: number;
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly digestTold: boolean;
  readonly state: "uploaded" | "starter";
  /** Undefined for files too large to keep. */
  readonly content: Buffer | undefined;
}

export interface FakeRelease {
  readonly id: number;
  tag: string;
  target: string;
  name: string;
  body: string;
  draft: boolean;
  prerelease: boolean;
  immutable: boolean;
  assets: FakeAsset[];
}

export interface FakeTag {
  readonly commit: string;
  /** Has an object of its own between name and commit. */
  readonly annotated: boolean;
}

export interface FakeRepository {
  readonly owner: string;
  readonly repo: string;
  /** A setting of the repository: publishing freezes files and tag. */
  immutableReleases: boolean;
  /** The release people get by default. */
  latest: string | undefined;
  readonly tags: Map<string, FakeTag>;
  readonly releases: FakeRelease[];
  nextId: number;
  /** Sigstore bundles. */
  readonly attestations: unknown[];
  /** Runs of workflows that were started by hand. */
  readonly runs: FakeRun[];
  /** Told of each run that is started; sets its conclusion when it is over. */
  onDispatch?: (run: FakeRun) => void;
  /** Workflows that were switched on again. */
  readonly enabled: string[];
  /** Answers to questions about settings, by path below the repository; what is not here is 404. */
  readonly settings: Map<string, unknown>;
}

export interface FakeRun {
  readonly id: number;
  readonly workflow: string;
  readonly ref: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Undefined while it runs. */
  conclusion: string | undefined;
  /** While it runs: `waiting` for somebody's approval, say. Default: `in_progress`. */
  status?: string;
}

export function emptyRepository(owner: string, repo: string): FakeRepository {
  return {
    owner,
    repo,
    immutableReleases: false,
    latest: undefined,
    tags: new Map(),
    releases: [],
    nextId: 1,
    ...{ attestations: [], runs: [], enabled: [], settings: new Map<string, unknown>() },
  };
}

export const sha256 = (content: string | Buffer): string =>
  createHash("sha256").update(content).digest("hex");

/** SHA-1 of a text, as an object of git would have one. */
export const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

/** A draft that is there before the run, by hand or by an earlier one. */
export function seedRelease(
  repository: FakeRepository,
  change: Partial<Omit<FakeRelease, "id">> & { readonly tag: string },
): FakeRelease {
  const release: FakeRelease = {
    target: "main",
    name: change.tag,
    body: "",
    draft: true,
    prerelease: false,
    immutable: false,
    assets: [],
    ...change,
    id: repository.nextId++,
  };
  repository.releases.push(release);
  return release;
}

export function addAsset(
  repository: FakeRepository,
  release: FakeRelease,
  asset: Omit<FakeAsset, "id">,
): FakeAsset {
  const added = { ...asset, id: repository.nextId++ };
  release.assets.push(added);
  return added;
}
