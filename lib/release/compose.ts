import { type BuildRelease, namesOf, serialOf } from "./carry-over.ts";
import type { ReleaseDocument, ReleasedBuild } from "./document.ts";
import { ReleaseError } from "./failure.ts";
import type { Version } from "./version.ts";
import { serialsBefore } from "./waypoints.ts";

export interface Composition {
  readonly cluster: string;
  readonly version: Version;
  readonly commit: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly development: boolean;
  /** Of the definition. */
  readonly waypoints: readonly Version[];
  readonly builds: readonly ComposedBuild[];
}

export interface ComposedBuild {
  readonly release: BuildRelease;
  /** Of a new build; one carried over keeps what its release said. */
  readonly made?: Pick<ReleasedBuild, "slot" | "disk" | "boot">;
}

/** release.json but for the list of assets, which is complete only once the sums are signed. */
export function composeDocument(composition: Composition): Omit<ReleaseDocument, "assets"> {
  const { cluster, version, commit, now, development, waypoints, builds } = composition;
  return {
    format: 1,
    cluster,
    tag: version.tag,
    commit,
    date: new Date(now).toISOString(),
    channel: version.channel,
    development,
    builds: builds.map((build) => withWaypoints(composeBuild(build, version), waypoints)),
  };
}

function composeBuild({ release, made }: ComposedBuild, version: Version): ReleasedBuild {
  const { build, origin } = release;
  if (origin.kind === "carried") return origin.released;
  if (made === undefined) throw new ReleaseError("DOCUMENT", `nothing is known of the new build ${build.id}`);
  return {
    id: build.id,
    profile: build.profile,
    board: build.board,
    compatible: origin.compatible,
    buildId: build.buildId,
    version: version.text,
    serial: serialOf(release, version),
    ...namesOf(release, version),
    ...made,
  };
}

/** Also a build that is carried over has those of today: which versions must not be skipped is known later only. */
function withWaypoints(build: ReleasedBuild, waypoints: readonly Version[]): ReleasedBuild {
  const { waypoints: _, ...rest } = build;
  const before = serialsBefore(waypoints, build.serial);
  return before.length === 0 ? rest : { ...rest, waypoints: before };
}
