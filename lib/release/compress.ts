import { join } from "node:path";
import { asset } from "../external/assets.ts";
import { sha256OfText } from "../external/files.ts";
import type { World } from "../external/world.ts";
import type { BuiltImage } from "../image/build/results.ts";
import { ensureCached } from "../image/cache.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { Reporter } from "../progress/reporter.ts";
import { RELEASE_LEVEL, timeouts } from "./limits.ts";

/**
 * A build's disk image, compressed as people download it; returns its path in the cache. Done once for an
 * image, and the same with any number of processors: zstd with threads splits by size, not by how many there are.
 * Throws ProcessError; nothing wrong is kept, for the unpacked bytes are held against the build's digest.
 */
export async function compressForRelease(
  image: BuiltImage,
  tools: ToolsTree,
  cacheDir: string,
  world: World,
  reporter: Reporter,
): Promise<string> {
  const { disk } = image.info;
  const key = sha256OfText([disk.sha256, RELEASE_LEVEL, tools.digest].join());
  const request = {
    ...{ cacheDir, room: "compressed", key },
    about: { disk: disk.sha256, level: RELEASE_LEVEL },
    make: (folder: string): Promise<void> =>
      reporter.step(`compress ${image.id}`, {}, async (step) => {
        const source = join(image.folder, "disk.img.zst");
        step.update("for people to download");
        await world.processes.run(
          tools.command(
            [
              ...([
                "sh",
                asset("lib", "release", "compress.sh"),
                source,
                join(folder, "disk.img.zst"),
              ] as const),
              ...[String(RELEASE_LEVEL), disk.sha256],
            ],
            {
              binds: [
                { source: image.folder, readOnly: true },
                { source: asset(), readOnly: true },
                { source: folder },
              ],
              env: { LC_ALL: "C.UTF-8" },
              timeoutMs: timeouts.compress,
              signal: world.signal,
              onLine: step.line,
            },
          ),
        );
      }),
  };
  const entry = await ensureCached(request, world, reporter);
  return join(entry.folder, "disk.img.zst");
}
