import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DownloadError, download } from "../../external/download.ts";
import { sha256OfFile, sha256OfText } from "../../external/files.ts";
import type { Archive } from "../archive/archive.ts";
import { formatResolution, type ResolvedPackage } from "../archive/resolution.ts";
import { ensureCached } from "../cache.ts";
import { ImageError } from "../failure.ts";
import { explainMmdebstrap } from "../tools/ensure.ts";
import { type Core, coreIn, inTools, SCRIPTS, type Workshop } from "./core.ts";

export interface GivenRequest {
  /** https:// or file:// of a tar (any compression GNU tar reads) with the board's packages installed. */
  readonly url: string;
  readonly sha256: string;
  readonly archive: Archive;
  readonly firmware: readonly ResolvedPackage[];
}

const LARGEST_BYTES = 4 * 1024 ** 3;
const DOWNLOAD_MS = 30 * 60_000;

/** A base the definition names by URL and digest, in the place of the core. Throws ImageError BASE_DIGEST. */
export async function givenCore(
  request: GivenRequest,
  workshop: Workshop,
  scriptsDigest: string,
): Promise<Core> {
  const { cacheDir, world, reporter } = workshop;
  const key = sha256OfText(
    JSON.stringify(["given", request.sha256, formatResolution(request.firmware), scriptsDigest]),
  );
  const entry = await ensureCached(
    {
      cacheDir,
      room: "core",
      key,
      about: { url: request.url, epoch: request.archive.epoch },
      make: (folder) =>
        reporter.step("base from the definition", {}, async (step) => {
          await fetchTar(request, join(folder, "core.tar"), workshop);
          await mkdir(join(folder, "firmware"));
          const argv = ["sh", join(SCRIPTS, "firmware.sh"), join(folder, "firmware")] as const;
          const more = request.firmware.map((entry) => `${entry.name}=${entry.version}`);
          const output: string[] = [];
          await world.processes
            .run(inTools(workshop, request.archive, [...argv], { folder, step, output, more }))
            .catch((cause) => {
              const what = "the board's firmware could not be fetched";
              throw explainMmdebstrap("BASE", what, { output, cause, now: world.clock.now() });
            });
        }),
    },
    world,
    reporter,
  );
  return coreIn(entry, cacheDir, "core", key);
}

async function fetchTar(request: GivenRequest, target: string, workshop: Workshop): Promise<void> {
  const fix = "correct base.sha256 in cluster.yaml if the file is the one you mean, else base.url";
  if (request.url.startsWith("file:")) {
    const source = fileURLToPath(request.url);
    const found = await sha256OfFile(source).catch((cause) => {
      throw new ImageError("BASE_DIGEST", `the base ${request.url} cannot be read`, { fix, cause });
    });
    if (found !== request.sha256) throw wrongDigest(request.url, request.sha256, found, fix);
    await workshop.world.processes.run({
      // Were we killed, gigabytes would go on being copied.
      argv: ["setpriv", "--pdeathsig", "KILL", "cp", source, `${target}.part`],
      timeoutMs: DOWNLOAD_MS,
      signal: workshop.world.signal,
    });
    await rename(`${target}.part`, target);
    return;
  }
  try {
    await download({
      url: request.url,
      to: target,
      sha256: request.sha256,
      maxBytes: LARGEST_BYTES,
      timeoutMs: DOWNLOAD_MS,
      signal: workshop.world.signal,
    });
  } catch (cause) {
    if (!(cause instanceof DownloadError)) throw cause;
    throw new ImageError("BASE_DIGEST", `the base was refused: ${cause.message}`, {
      fix: cause.fix ?? fix,
      cause,
    });
  }
}

function wrongDigest(url: string, wanted: string, found: string, fix: string): ImageError {
  return new ImageError(
    "BASE_DIGEST",
    `the base ${url} has SHA-256 ${found}, the definition says ${wanted}`,
    { fix },
  );
}
