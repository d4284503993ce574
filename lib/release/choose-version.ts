import { ReleaseError } from "./failure.ts";
import { type Channel, compareVersions, nextPrerelease, parseVersion, type Version } from "./version.ts";

export interface VersionQuestion {
  /** What a person asked for. */
  readonly wanted: string | undefined;
  readonly headTags: readonly string[];
  /** Tags of all published releases of the store. */
  readonly published: readonly string[];
  readonly backport: boolean;
  /** What a person does to make it one, here: `say --backport`. */
  readonly sayBackport: string;
}

export interface ChosenVersion {
  readonly version: Version;
  /** Where it comes from, for people. */
  readonly because: string;
  readonly published: boolean;
}

/** Versions of the store, the highest first; tags that are none are somebody else's. */
export function versionsOf(tags: readonly string[]): Version[] {
  return tags
    .flatMap((tag) => {
      try {
        return [parseVersion(tag)];
      } catch {
        return [];
      }
    })
    .sort((a, b) => compareVersions(b, a));
}

/** The highest published version a channel offers: stable ones are in beta as well. */
export function latestOf(channel: Channel, published: readonly Version[]): Version | undefined {
  return published.find((version) => channel === "beta" || version.channel === "stable");
}

/**
 * The version to release: the one asked for, else the highest version tag on HEAD, else the next release
 * candidate. Throws ReleaseError VERSION where it is none, or comes before what its channel offers already.
 */
export function chooseVersion(question: VersionQuestion): ChosenVersion {
  const published = versionsOf(question.published);
  const { version, because } = candidate(question, published);
  if (published.some(({ tag }) => tag === version.tag)) return { version, because, published: true };
  const latest = latestOf(version.channel, published);
  if (latest !== undefined && compareVersions(version, latest) < 0 && !question.backport) {
    throw new ReleaseError(
      "VERSION",
      `${version.tag} comes before ${latest.tag}, which ${version.channel} offers already`,
      {
        fix: `choose a higher version, or ${question.sayBackport}: it is published, and no node moves to it by itself`,
      },
    );
  }
  return { version, because, published: false };
}

function candidate(
  { wanted, headTags }: VersionQuestion,
  published: readonly Version[],
): { version: Version; because: string } {
  if (wanted !== undefined) return { version: parseVersion(wanted), because: "as asked" };
  const tagged = versionsOf(headTags)[0];
  if (tagged !== undefined) return { version: tagged, because: "the tag on HEAD" };
  const latest = published[0];
  const because = latest === undefined ? "the first one here" : `the next one after ${latest.tag}`;
  return { version: nextPrerelease(latest), because };
}
