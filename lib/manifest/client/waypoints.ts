import type { ChannelImage } from "../channel.ts";

export { versionOfWaypoint } from "../../cluster/serial.ts";

/** The serials a node must have reached before it takes an image, ascending. */
export function waypointsTo({ waypoints, minFrom }: ChannelImage): readonly number[] {
  return waypoints ?? (minFrom === undefined ? [] : [minFrom]);
}
