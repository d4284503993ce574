import { chmod, copyFile, link, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CacheEntry } from "../cache.ts";
import { sayingWhatRanOut } from "../starvation.ts";

/** How a person takes another folder for the results. */
export const OTHER_OUT = "./pi build --out /another/folder";

/** What went into an image and came out of it: `<name>.buildinfo.json`. Digests are SHA-256, hex. */
export interface BuildInfo {
  readonly version: 1;
  /** `<cluster>-<profile>-<board>`. */
  readonly name: string;
  readonly cluster: string;
  readonly profile: string;
  readonly board: string;
  readonly buildId: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly builder: string;
  readonly base: { readonly sha256: string; readonly epoch: number };
  readonly tools: string;
  readonly tree: { readonly sha256: string };
  readonly slot: { readonly bytes: number; readonly sha256: string };
  /** Of the uncompressed image. */
  readonly disk: { readonly bytes: number; readonly sha256: string };
  readonly durationMs: number;
}

export interface BuiltImage {
  /** `<profile>-<board>`. */
  readonly id: string;
  readonly info: BuildInfo;
  readonly reused: boolean;
  readonly folder: string;
  /** The compressed image people flash: in the results folder where there is one, else in the cache. */
  readonly image: string;
}

const RESULTS = [
  ["disk.img.zst", "img.zst"],
  ["sbom.cdx.json", "cdx.json"],
  ["buildinfo.json", "buildinfo.json"],
] as const;

/**
 * Puts a build's files into the results folder under the names people see,
 * `<cluster>-<profile>-<board>-<first 12 digits of the build id>.<kind>`, and removes those of its earlier builds.
 */
export async function handOut(
  entry: CacheEntry,
  info: BuildInfo,
  out: string | undefined,
): Promise<BuiltImage> {
  const result = { id: `${info.profile}-${info.board}`, info, reused: entry.reused, folder: entry.folder };
  if (out === undefined) return { ...result, image: join(entry.folder, "disk.img.zst") };
  await sayingWhatRanOut(out, OTHER_OUT, () => putInto(out, entry, info));
  return { ...result, image: join(out, `${stemOf(info)}.img.zst`) };
}

const stemOf = (info: BuildInfo): string => `${info.name}-${info.buildId.slice(0, 12)}`;

async function putInto(out: string, entry: CacheEntry, info: BuildInfo): Promise<void> {
  await mkdir(out, { recursive: true });
  const stem = stemOf(info);
  const earlier = new RegExp(
    `^${info.name}-[0-9a-f]{12}\\.(img\\.zst|cdx\\.json|buildinfo\\.json)(\\.part)?$`,
  );
  for (const name of await readdir(out)) {
    if (earlier.test(name) && !name.startsWith(stem)) await rm(join(out, name), { force: true });
  }
  for (const [from, kind] of RESULTS) {
    const target = join(out, `${stem}.${kind}`);
    const part = `${target}.part`;
    await rm(part, { force: true });
    // Nobody may write through the link into the cache.
    await chmod(join(entry.folder, from), 0o444);
    try {
      // A link costs nothing; across file systems it has to be a copy.
      await link(join(entry.folder, from), part).catch(() => copyFile(join(entry.folder, from), part));
      await rename(part, target);
    } finally {
      // Half a copy; or two links to one file: rename does nothing then, and leaves both names.
      await rm(part, { force: true });
    }
  }
}
