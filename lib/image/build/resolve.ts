import { readFile } from "node:fs/promises";
import { type BuildShape, compile, shapeBuilds } from "../../cluster/compile.ts";
import type { LoadedDefinition } from "../../cluster/load.ts";
import type { Plan } from "../../cluster/plan.ts";
import { resolvedKey, writeResolved } from "../../cluster/records.ts";
import { gatherSources } from "../../cluster/sources.ts";
import { asset } from "../../external/assets.ts";
import { sha256OfText } from "../../external/files.ts";
import type { Archive } from "../archive/archive.ts";
import { formatResolution, parsePackageNames, type ResolvedPackage } from "../archive/resolution.ts";

/** The packages of one board and of each build on it, with versions, as the archive offers them now. */
export interface BoardPackages {
  readonly core: readonly ResolvedPackage[];
  readonly firmware: readonly ResolvedPackage[];
}

export interface ResolvedPlan {
  readonly plan: Plan;
  readonly boards: ReadonlyMap<string, BoardPackages>;
  /** By build id of the matrix, `<profile>-<board>`. */
  readonly packages: ReadonlyMap<string, readonly ResolvedPackage[]>;
}

async function boardList(board: string, name: string): Promise<string[]> {
  return parsePackageNames(await readFile(asset("boards", board, name), "utf8"));
}

/**
 * Compiles the definition with the package versions the archive offers, and keeps their digests for
 * `./pi plan`. Throws ImageError ARCHIVE where a package does not exist.
 */
export async function resolvePlan(
  loaded: LoadedDefinition,
  { project, keys }: { readonly project: string; readonly keys?: string },
  archive: Archive,
  cacheDir: string,
): Promise<ResolvedPlan> {
  const boards = new Map<string, BoardPackages>();
  const packages = new Map<string, readonly ResolvedPackage[]>();
  const digests = new Map<string, string>();
  const { base } = loaded.definition;
  for (const shape of shapeBuilds(loaded.definition)) {
    const board = boards.get(shape.board) ?? {
      core: await archive.resolve(await boardList(shape.board, "packages.txt")),
      firmware: await archive.resolveAlone(await boardList(shape.board, "firmware.txt")),
    };
    boards.set(shape.board, board);
    const own = await packagesOf(shape, archive);
    packages.set(shape.id, own);
    const digest = sha256OfText(
      [base.sha256 ?? formatResolution(own), formatResolution(board.firmware)].join("\0"),
    );
    digests.set(shape.id, digest);
    await writeResolved(
      cacheDir,
      resolvedKey({ board: shape.board, base, packages: shape.packages }),
      digest,
    );
  }
  const sources = await gatherSources(project, loaded, (shape) => digests.get(shape.id), keys);
  return { plan: compile(loaded.definition, sources), boards, packages };
}

async function packagesOf(shape: BuildShape, archive: Archive): Promise<ResolvedPackage[]> {
  const names = await boardList(shape.board, "packages.txt");
  return archive.resolve([...new Set([...names, ...shape.packages])].sort());
}
