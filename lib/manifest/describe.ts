import { describeWaypoints } from "../release/waypoints.ts";
import { CHANNEL_NAMES, type ChannelDocument } from "./channel.ts";
import { waypointsTo } from "./client/waypoints.ts";
import { describePending } from "./repository/approve.ts";
import { describeExpiry } from "./repository/expiry.ts";
import { warnings } from "./repository/refresh.ts";
import { countSignatures, roleIn } from "./repository/signatures.ts";
import type { ManifestState } from "./repository/state.ts";

export interface ManifestTables {
  /** Channel, image, version, bundle, bytes. */
  readonly images: readonly (readonly string[])[];
  /** Version, image, reason, since. */
  readonly blocked: readonly (readonly string[])[];
  /** File, version, days left. */
  readonly files: readonly (readonly string[])[];
  /** What to know besides. */
  readonly notes: readonly string[];
}

/** A manifest as people look at it. */
export function describeManifest(state: ManifestState, now: Date): ManifestTables {
  const documents = CHANNEL_NAMES.flatMap((name) => state.channels[name] ?? []);
  const kinds = ["root", "targets", "snapshot", "timestamp"] as const;
  const { pending } = state;
  const waiting =
    pending === undefined
      ? []
      : [
          `targets ${pending.signed.version} waits: ${countSignatures(state.root, "targets", pending)} of ${roleIn(state.root, "targets").threshold} signatures`,
          ...describePending(state).map((line) => `  ${line}`),
        ];
  const blocked = documents.flatMap((document) =>
    document.blocked.map(({ version, id, reason, since }) => [document.channel, version, id, reason, since]),
  );
  return {
    images: documents.flatMap(({ channel, release, images }) =>
      Object.entries(images).map(([id, { version, bundle }]) => [
        channel,
        release,
        id,
        version,
        String(bundle.bytes),
      ]),
    ),
    blocked,
    files: kinds.flatMap((kind) => {
      const signed = state[kind]?.signed;
      return signed === undefined
        ? []
        : [[kind, String(signed.version), signed.expires, describeExpiry(signed.expires, now)]];
    }),
    notes: [
      ...(documents.some(({ development }) => development)
        ? ["signed with development keys: for trying things out"]
        : []),
      ...documents.flatMap(describeWays),
      ...waiting,
      ...warnings(state, now),
    ],
  };
}

function describeWays({ channel, images }: ChannelDocument): string[] {
  return Object.entries(images).flatMap(([id, image]) => {
    const said = describeWaypoints(id, waypointsTo(image));
    return said === undefined ? [] : [`${channel}: ${said}`];
  });
}
