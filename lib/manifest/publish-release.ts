import type { Keys } from "../keys/keys.ts";
import { type PlannedChange, planChange } from "./carry-out.ts";
import type { ManifestHome } from "./home.ts";
import { signersFrom } from "./repository/signers.ts";
import { addRelease, type PublishedRelease } from "./repository/targets.ts";

export interface PublishReleaseRequest {
  readonly home: ManifestHome;
  readonly keys: Keys;
  /** Content of keys/root.json. */
  readonly trustedRoot: Uint8Array;
  /** As it was published: the manifest must not name what is not there yet. */
  readonly release: PublishedRelease;
  /** Where nodes get an asset of a release: the store's urlOf, and mirrors. */
  readonly urlsOf: (tag: string, name: string) => readonly string[];
  readonly now: Date;
}

/**
 * Plans how a published release becomes known to nodes; a release that is known already is an empty plan. Throws
 * ManifestError, and KeyError for keys that are there and cannot be used.
 */
export function publishRelease(request: PublishReleaseRequest): Promise<PlannedChange> {
  const { home, keys, trustedRoot, release, urlsOf, now } = request;
  const signing = { signers: signersFrom(keys), now };
  return planChange({
    ...{ home, trustedRoot, message: `Release ${release.document.tag}` },
    plan: (state) => addRelease(state, release, { urlsOf }, signing),
  });
}
