import { z } from "zod";
import { canonicalJson } from "../cluster/canonical-json.ts";
import { ASSET_NAME, waypointSerials, waypointsLieBefore } from "../release/document.ts";
import { ManifestError } from "./failure.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();
const serial = z.int().positive();
/** Printable and on one line: it is shown on consoles. */
const line = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{C}+$/u);

const channelImage = z
  .strictObject({
    /** The release its files were made for, without `v`. */
    version: z.string(),
    /** Grows with the version; a node never goes below the highest it accepted. */
    serial,
    buildId: sha256,
    /** `<cluster>-<profile>-<board>`, as RAUC compares it. */
    compatible: z.string(),
    bundle: z.strictObject({
      name: z.string().regex(ASSET_NAME).max(255),
      /** Tried in order. Without a scheme: relative to the folder that holds `manifest/`. */
      urls: z.array(z.string().min(1)).min(1),
      bytes,
      sha256,
    }),
    /** The slot's file system as the bundle writes it. */
    slot: z.strictObject({ bytes, sha256 }),
    /** Nodes whose serial is below one of these install that release first, the lowest before the others. */
    waypoints: waypointSerials.optional(),
    /** What documents had before `waypoints`: one of them. Still read, as a document has to stay what was signed. */
    minFrom: serial.optional(),
  })
  .refine(waypointsLieBefore, "waypoints lie before the image's own version");

const blockedVersion = z.strictObject({
  version: z.string(),
  /** `<profile>-<board>`, or `*` for every image of that version. */
  id: z.string(),
  reason: line,
  since: z.iso.datetime(),
});

/** `channels/stable.json`, `channels/beta.json`: what the nodes that follow a channel are to run. */
export const channelDocument = z.strictObject({
  format: z.literal(1),
  cluster: z.string(),
  channel: z.enum(["stable", "beta"]),
  /** The tag of the release it stands at. */
  release: z.string(),
  /** When that release was put together. */
  date: z.iso.datetime(),
  /** Whether it was signed with keys made on the spot for trying things out. */
  development: z.boolean(),
  /** By `<profile>-<board>`. */
  images: z.record(z.string(), channelImage),
  /** Versions no node may install, whatever `images` says. */
  blocked: z.array(blockedVersion),
});

export type ChannelDocument = z.infer<typeof channelDocument>;
export type ChannelImage = z.infer<typeof channelImage>;
export type BlockedVersion = z.infer<typeof blockedVersion>;
export type ChannelName = ChannelDocument["channel"];
export type Channels = { readonly [name in ChannelName]?: ChannelDocument };

export const CHANNEL_NAMES: readonly ChannelName[] = ["stable", "beta"];

/** Why nodes may not install a version of an image (`<profile>-<board>`); undefined: they may. */
export function blockOf(document: ChannelDocument, version: string, id: string): BlockedVersion | undefined {
  return document.blocked.find((one) => one.version === version && (one.id === "*" || one.id === id));
}

/** The one way a channel document is written: a byte that differs is a mistake. */
export function channelBytes(document: ChannelDocument): Uint8Array {
  return Buffer.from(`${canonicalJson(JSON.parse(JSON.stringify(document)))}\n`);
}

/** Throws ManifestError FILE, which calls the document `path`. */
export function parseChannel(path: string, content: Uint8Array): ChannelDocument {
  const refuse = (why: string, cause?: unknown): ManifestError =>
    new ManifestError("FILE", `${path}: ${why}`, {
      fix: "it was damaged, or a newer version of this project wrote it: get the newer one",
      cause,
    });
  let parsed: ChannelDocument;
  try {
    parsed = channelDocument.parse(JSON.parse(Buffer.from(content).toString("utf8")));
  } catch (error) {
    throw refuse("is no channel document of a format this version knows", error);
  }
  if (!Buffer.from(content).equals(channelBytes(parsed))) throw refuse("is not in canonical form");
  return parsed;
}
