import { z } from "zod";
import { readBounded } from "../lib/external/bounded-file.ts";
import { parseWindow, type Window } from "../lib/manifest/client/window.ts";
import { UpdaterError } from "./failure.ts";
import type { Places } from "./places.ts";

const MAX_BYTES = 64 * 1024;

/** `/etc/home-pi/update.json`, which the image's playbook writes from cluster.yaml. */
const configRecord = z.strictObject({
  channel: z.enum(["stable", "beta"]),
  mode: z.enum(["auto", "ask", "off"]),
  window: z.string().optional(),
  /** Of the manifest; the folder above it is what relative addresses of bundles start from. */
  address: z.url({ protocol: /^https?$/ }).optional(),
});

export interface Config {
  readonly channel: "stable" | "beta";
  readonly mode: "auto" | "ask" | "off";
  readonly window: Window | undefined;
  readonly address: string | undefined;
}

/** `/run/home-pi/identity.json`, as far as it is about updates. */
const identityRecord = z.object({ updateAddress: z.url({ protocol: /^https?$/ }).nullish() });

/** An address that the node's own identity file names. What cannot be read names none. */
async function ownAddress(places: Places): Promise<string | undefined> {
  const read = await readBounded(places.identity, MAX_BYTES);
  if (read.kind !== "content") return undefined;
  try {
    return (
      identityRecord.parse(JSON.parse(Buffer.from(read.bytes).toString("utf8"))).updateAddress ?? undefined
    );
  } catch {
    return undefined;
  }
}

/** `/usr/lib/home-pi/build.json`. */
const buildRecord = z.object({
  cluster: z.string(),
  profile: z.string(),
  board: z.string(),
  buildId: z.string().regex(/^[0-9a-f]{64}$/),
});

export type BuildFacts = z.infer<typeof buildRecord>;

async function readRecord<T>(path: string, schema: z.ZodType<T>, code: "CONFIG" | "IMAGE"): Promise<T> {
  const read = await readBounded(path, MAX_BYTES);
  const fix = "it belongs to the image: build it anew";
  if (read.kind !== "content") throw new UpdaterError(code, `${path}: is missing`, { fix });
  try {
    return schema.parse(JSON.parse(Buffer.from(read.bytes).toString("utf8")));
  } catch (cause) {
    throw new UpdaterError(code, `${path}: is not what it should be`, { fix, cause });
  }
}

/** Throws UpdaterError CONFIG. */
export async function readConfig(places: Places): Promise<Config> {
  const { channel, mode, window, address: named } = await readRecord(places.config, configRecord, "CONFIG");
  const address = (await ownAddress(places)) ?? named;
  const parsed = window === undefined ? undefined : parseWindow(window);
  if (window !== undefined && parsed === undefined) {
    throw new UpdaterError("CONFIG", `${places.config}: "${window}" is no window`, {
      fix: "correct cluster.yaml",
    });
  }
  const base = address === undefined || address.endsWith("/") ? address : `${address}/`;
  return { channel, mode, window: parsed, address: base };
}

/** Throws UpdaterError IMAGE. */
export function readBuild(places: Places): Promise<BuildFacts> {
  return readRecord(places.build, buildRecord, "IMAGE");
}
