import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { download } from "../../../external/download.ts";
import { withScratch } from "../../../external/scratch.ts";
import type { World } from "../../../external/world.ts";
import { parseSums } from "./pins.ts";

const MAX_SUMS_BYTES = 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** A publisher's SHA256SUMS: digests by file name. Throws DownloadError. */
export async function fetchSums(url: string, cacheDir: string, world: World): Promise<Map<string, string>> {
  return withScratch(cacheDir, "sums-", async (folder) => {
    const to = join(folder, "SHA256SUMS");
    await download({ url, to, maxBytes: MAX_SUMS_BYTES, timeoutMs: TIMEOUT_MS, signal: world.signal });
    return parseSums(await readFile(to, "utf8"));
  });
}
