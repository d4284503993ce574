import { compareRecords, type Records } from "./records.ts";
import { regionNames } from "./regions.ts";
import type { ByteRegion, Change, ImageDiff } from "./schema.ts";

/** What an image holds, as far as it has names. */
export interface Inventory {
  readonly packages: Records;
  readonly paths: Records;
  readonly boot: Records;
  readonly disk: Records;
}

type Listed = Pick<ImageDiff, "packages" | "paths" | "boot" | "disk">;

/** Which listed changes tell why bytes of a region differ. */
function reasonsFor(region: string, { paths, boot, disk }: Listed): readonly Change[] {
  if (region === regionNames.boot) return boot;
  const own = disk.filter(({ name }) => name === region || name.startsWith(`${region}, `));
  return region === regionNames.slot ? [...paths, ...own] : own;
}

/**
 * Everything with a name that differs, and, where nothing with a name differs though bytes do, the bytes.
 * `bytes` are all differing ranges by region.
 */
export function compareInventories(
  before: Inventory,
  after: Inventory,
  bytes: readonly ByteRegion[],
): Listed & Pick<ImageDiff, "bytes"> {
  const listed = {
    packages: compareRecords(before.packages, after.packages),
    paths: compareRecords(before.paths, after.paths),
    boot: compareRecords(before.boot, after.boot),
    disk: compareRecords(before.disk, after.disk),
  };
  return { ...listed, bytes: bytes.filter(({ region }) => reasonsFor(region, listed).length === 0) };
}
