import type { Definition } from "../cluster/schema.ts";
import { versionOfWaypoint } from "../cluster/serial.ts";
import { parseVersion, type Version } from "./version.ts";

/** The versions every node must have run before it goes past them, in their order. */
export function waypointsOf({ update }: Definition): readonly Version[] {
  return (update.waypoints ?? []).map((text) => parseVersion(`v${text}`));
}

/** The serials of those that come before a version of this serial. */
export function serialsBefore(waypoints: readonly Version[], serial: number): number[] {
  return waypoints.map((one) => one.serial).filter((one) => one < serial);
}

/** A warning for people about waypoints of `version` that no node can install: they are not published. */
export function warnOfUnpublished(
  waypoints: readonly Version[],
  version: Version,
  published: readonly string[],
): readonly string[] {
  const before = waypoints.filter(({ serial }) => serial < version.serial);
  return before
    .filter(({ tag }) => !published.includes(tag))
    .map(
      ({ tag }) => `update.waypoints names ${tag}, which is not published: nodes before it stay as they are`,
    );
}

/** What is to be said of the waypoints of an image, a sentence; undefined: it has none. */
export function describeWaypoints(id: string, serials: readonly number[]): string | undefined {
  if (serials.length === 0) return undefined;
  const versions = serials.map((serial) => `v${versionOfWaypoint(serial)}`);
  return `A node of ${id} that is behind installs ${versions.join(", then ")} on its way.`;
}
