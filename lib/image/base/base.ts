import { join } from "node:path";
import { asset } from "../../external/assets.ts";
import { removeWhole, sha256OfFile, sha256OfText } from "../../external/files.ts";
import type { Archive } from "../archive/archive.ts";
import { formatResolution, type ResolvedPackage } from "../archive/resolution.ts";
import { ensureCached, readDone } from "../cache.ts";
import { ImageError } from "../failure.ts";
import { explainMmdebstrap } from "../tools/ensure.ts";
import { type Core, installProgress, inTools, packTree, SCRIPTS, titled, type Workshop } from "./core.ts";
import { installedPackages } from "./dpkg-status.ts";

export interface BaseRequest {
  readonly core: Core;
  readonly archive: Archive;
  readonly profile: string;
  readonly board: string;
  /** Digest of the board's folder and of the scripts of this step. */
  readonly recipe: string;
  /** All packages of the finished base, the core's included. */
  readonly packages: readonly ResolvedPackage[];
  readonly corePackages: readonly ResolvedPackage[];
  /** The core was given by the definition: it has its own packages, and none are added. */
  readonly given: boolean;
}

/** A profile's root file system before the playbook, as a canonical tar. */
export interface Base {
  readonly tar: string;
  readonly sha256: string;
  readonly reused: boolean;
}

/** What a profile adds to the core, pinned: `name=version` as apt takes it. */
export function addedPackages(all: readonly ResolvedPackage[], core: readonly ResolvedPackage[]): string[] {
  const known = new Set(core.map((entry) => entry.name));
  return all.filter((entry) => !known.has(entry.name)).map((entry) => `${entry.name}=${entry.version}`);
}

/** Makes the base of a profile or takes it from the cache. Throws ImageError BASE or ARCHIVE. */
export async function ensureBase(request: BaseRequest, workshop: Workshop): Promise<Base> {
  const { cacheDir, world, reporter } = workshop;
  const key = sha256OfText(
    JSON.stringify(["base", request.core.key, formatResolution(request.packages), request.recipe]),
  );
  const room = workshop.speed === "plain" ? "base-plain" : "base";
  const entry = await ensureCached(
    {
      cacheDir,
      room,
      key,
      about: { profile: request.profile, packages: request.packages.map((p) => `${p.name}=${p.version}`) },
      make: (folder) => makeBase(folder, request, workshop),
    },
    world,
    reporter,
  );
  const tar = join(entry.folder, "base.tar");
  const known = (await readDone(cacheDir, room, key)) as { sha256?: string };
  return { tar, sha256: known.sha256 ?? (await sha256OfFile(tar)), reused: entry.reused };
}

async function makeBase(folder: string, request: BaseRequest, workshop: Workshop): Promise<void> {
  const title = titled(`base of ${request.profile}`, workshop);
  await workshop.reporter.step(title, {}, async (step) => {
    const output: string[] = [];
    const root = join(folder, "root");
    const added = request.given ? [] : addedPackages(request.packages, request.corePackages);
    const native = workshop.speed === "native" && process.arch !== "arm64";
    const binds = [join(request.core.tar, "..")];
    try {
      const command = inTools(
        workshop,
        { ...request.archive, epoch: request.core.epoch },
        ["sh", join(SCRIPTS, "profile.sh"), SCRIPTS, request.core.tar, root],
        {
          folder,
          step,
          output,
          more: [asset("boards", request.board), native ? "native" : "plain", ...added],
          binds,
          progress: installProgress(added.length + 1, step),
        },
      );
      await workshop.world.processes.run(command);
    } catch (cause) {
      const now = workshop.world.clock.now();
      throw explainMmdebstrap("BASE", `the base of ${request.profile} could not be made`, {
        output,
        cause,
        now,
      });
    }
    if (!request.given) await assertPackages(root, request);
    step.update("packing", 0.99);
    await packTree(root, join(folder, "base.tar"), request.core.epoch, workshop);
    await removeWhole(root);
  });
}

/** The base holds exactly what the plan's package list says, or it is not what its build id promises. */
async function assertPackages(root: string, request: BaseRequest): Promise<void> {
  const found = new Map((await installedPackages(root)).map((entry) => [entry.name, entry.version]));
  const wanted = new Map(request.packages.map((entry) => [entry.name, entry.version]));
  const differences = [
    ...[...wanted]
      .filter(([name, version]) => found.get(name) !== version)
      .map(([name, version]) => `${name}: ${version} wanted, ${found.get(name) ?? "nothing"} installed`),
    ...[...found]
      .filter(([name]) => !wanted.has(name))
      .map(([name, version]) => `${name}: ${version} was not asked for`),
  ];
  if (differences.length > 0) {
    throw new ImageError("BASE", `the base of ${request.profile} is not what the plan's package list says`, {
      details: differences.slice(0, 20),
      fix: "run the same command again: the archive may have changed in between",
    });
  }
}
