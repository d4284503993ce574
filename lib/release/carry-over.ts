import type { ReleaseDocument, ReleasedBuild } from "./document.ts";
import { buildAssetNames } from "./names.ts";
import { type Channel, compareVersions, parseVersion, type Version } from "./version.ts";

/** A build of the plan, as far as a release cares. */
export interface PlannedBuild {
  readonly id: string;
  readonly profile: string;
  readonly board: string;
  readonly buildId: string;
}

export type Origin =
  /** Made for this release. */
  | { readonly kind: "new"; readonly compatible: string; readonly before: ReleasedBuild | undefined }
  /** Unchanged: its files are taken over byte for byte, under the version they were made for. */
  | { readonly kind: "carried"; readonly released: ReleasedBuild };

export interface BuildRelease {
  readonly build: PlannedBuild;
  readonly origin: Origin;
}

/** What the people and nodes of a channel have now: the release whose unchanged builds are carried over. */
export function previousOf(version: Version, published: readonly Version[]): Version | undefined {
  const channels: readonly Channel[] = version.channel === "beta" ? ["beta", "stable"] : ["stable"];
  return published
    .filter((other) => channels.includes(other.channel) && compareVersions(other, version) < 0)
    .sort((a, b) => compareVersions(b, a))[0];
}

/**
 * Which builds are made anew and which are carried over from the channel's previous release. The same build id
 * means the same system bit by bit, so a node that runs it has nothing to do.
 */
export function planBuilds(
  cluster: string,
  builds: readonly PlannedBuild[],
  previous: ReleaseDocument | undefined,
): BuildRelease[] {
  return builds.map((build) => {
    const before = previous?.builds.find(({ id }) => id === build.id);
    const compatible = `${cluster}-${build.profile}-${build.board}`;
    const same = before !== undefined && before.buildId === build.buildId && before.compatible === compatible;
    return {
      build,
      origin: same ? { kind: "carried", released: before } : { kind: "new", compatible, before },
    };
  });
}

/** The rows people see before anything is made: profile, board, version, what happens, build id. */
export function buildRows(builds: readonly BuildRelease[], version: Version): string[][] {
  return builds.map(({ build, origin }) => {
    const carried = origin.kind === "carried";
    const shown = carried ? `v${origin.released.version}` : version.tag;
    const what = carried
      ? "unchanged, carried over"
      : origin.before === undefined
        ? "new"
        : `changed since v${origin.before.version}`;
    return [build.profile, build.board, shown, what, build.buildId.slice(0, 12)];
  });
}

/** Files of a build in a release, new or carried over. */
export function namesOf({ origin }: BuildRelease, version: Version): ReturnType<typeof buildAssetNames> {
  if (origin.kind === "new") return buildAssetNames(origin.compatible, version.text);
  const { image, bundle, sbom, buildinfo } = origin.released;
  return { image, bundle, sbom, buildinfo };
}

/** The serial nodes compare: of the version a build's files were made for. */
export function serialOf({ origin }: BuildRelease, version: Version): number {
  return origin.kind === "carried" ? parseVersion(`v${origin.released.version}`).serial : version.serial;
}
