import type { ChannelImage } from "../../lib/manifest/channel.ts";
import { versionOfWaypoint, waypointsTo } from "../../lib/manifest/client/waypoints.ts";
import type { Build } from "../state/record.ts";
import type { Stone } from "../waypoints.ts";

export interface Way {
  /** What is installed before the image; undefined: nothing. */
  readonly stone: Stone | undefined;
  /** The serial up to which waypoints are passed. */
  readonly passed: number;
}

const UNFOUND = "its release cannot be found or read";
/** An older one could be taken for a waypoint of it. */
const UNSURE = "not every release could be read to tell which one runs here";

/**
 * Looks for what has to be installed before an image: the lowest waypoint ahead, or what comes before that one in turn.
 * A waypoint whose release has carried over what is committed here, or something older, is passed: there is nothing of
 * it to install. `imageOf` reads a node's image from the release of a version (without `v`); undefined: it cannot be
 * had. A committed build that is in no release counts as the oldest of all, where it is `sure` that it is in none.
 */
export async function findStone(
  target: ChannelImage,
  committed: Pick<Build, "buildId" | "serial"> | undefined,
  imageOf: (version: string) => Promise<ChannelImage | undefined>,
  sure = true,
): Promise<Way> {
  const runs = committed?.serial ?? 0;
  let passed = runs;
  let image = target;
  // Ends: each turn passes a waypoint, or goes on with an image that is older.
  for (;;) {
    const next = waypointsTo(image).find((serial) => serial > passed);
    if (next === undefined) return { passed, stone: image === target ? undefined : { kind: "image", image } };
    const version = versionOfWaypoint(next);
    const found = await imageOf(version);
    // A release holds nothing later than itself.
    if (found === undefined || found.serial > next || found.serial >= image.serial) {
      return { passed, stone: { kind: "missing", version, why: UNFOUND } };
    }
    // A node that does not know its version knows its build.
    if (found.serial <= runs || found.buildId === committed?.buildId) passed = next;
    else if (committed?.serial === undefined && !sure)
      return { passed, stone: { kind: "missing", version, why: UNSURE } };
    else image = found;
  }
}
