import { versionOfSerial } from "../../cluster/serial.ts";
import type { ChannelImage } from "../channel.ts";

/** The serials a node must have reached before it takes an image, ascending. */
export function waypointsTo({ waypoints, minFrom }: ChannelImage): readonly number[] {
  return waypoints ?? (minFrom === undefined ? [] : [minFrom]);
}

/** The version of a waypoint, without `v`. A serial that is none of a version stands for itself: no release has it. */
export function versionOfWaypoint(serial: number): string {
  return versionOfSerial(serial) ?? `serial ${serial}`;
}
