import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { readTextIfPresent, writeAtomically } from "../external/files.ts";
import type { World } from "../external/world.ts";
import { buildInfo } from "../image/build/info-schema.ts";
import type { BuiltImage } from "../image/build/results.ts";
import { ensureCached } from "../image/cache.ts";
import type { Reporter } from "../progress/reporter.ts";
import { DiffError } from "./failure.ts";

/** What of a branch's build is kept, so that a later change can be compared with it: small, unlike its image. */
const baseBuild = z.object({
  version: z.literal(1),
  /** The commit it was built for. */
  commit: z.string().regex(/^[0-9a-f]{40,64}$/),
  info: buildInfo,
  /** Its bill of materials: CycloneDX JSON. */
  bill: z.string(),
});

export type BaseBuild = z.output<typeof baseBuild>;

const ROOM = "latest";

/** `name`: `<cluster>-<profile>-<board>`. No name has a dot, so none is the beginning of another's key. */
const placeOf = (cacheDir: string, name: string, commit: string) => ({
  file: join(cacheDir, ROOM, `${name}.json`),
  key: `${ROOM}-${name}.${commit}`,
  prefix: `${ROOM}-${name}.`,
});

/** Keeps a build of `commit` as what later changes are compared with, beyond this machine where that is wanted. */
export async function keepAsBase(
  { info, folder }: BuiltImage,
  commit: string,
  cacheDir: string,
  world: World,
): Promise<void> {
  const { file, key } = placeOf(cacheDir, info.name, commit);
  const bill = await readFile(join(folder, "sbom.cdx.json"), "utf8");
  await mkdir(dirname(file), { recursive: true });
  await writeAtomically(file, `${JSON.stringify({ version: 1, commit, info, bill })}\n`);
  await world.layers?.keep(file, key);
}

/**
 * The build of `commit` that was kept, or the newest one where there is none of it. Undefined where nothing
 * was kept, or what is there cannot be read.
 */
export async function findBase(
  name: string,
  commit: string,
  cacheDir: string,
  world: World,
): Promise<BaseBuild | undefined> {
  const { file, key, prefix } = placeOf(cacheDir, name, commit);
  const here = await readBase(file);
  if (here?.commit === commit) return here;
  await mkdir(dirname(file), { recursive: true });
  await world.layers?.restoreNewest(file, key, prefix);
  const found = await readBase(file);
  return found?.info.name === name ? found : undefined;
}

async function readBase(file: string): Promise<BaseBuild | undefined> {
  try {
    return baseBuild.safeParse(JSON.parse((await readTextIfPresent(file)) ?? "null")).data;
  } catch {
    // Another job on this machine may be unpacking it.
    return undefined;
  }
}

/**
 * Path of the packed disk image of a build that is in the cache, on this machine or beyond it. Nothing is
 * built. Throws DiffError GONE.
 */
export async function imageOfBuild(
  buildId: string,
  cacheDir: string,
  world: World,
  reporter: Reporter,
): Promise<string> {
  // As any layer, but for the last resort: its lock keeps other runs from it meanwhile.
  const entry = await ensureCached(
    {
      ...{ cacheDir, room: "builds", key: buildId, about: {} },
      make: async () => {
        throw new DiffError("GONE", `the image of build ${buildId.slice(0, 12)} is no longer in the cache`);
      },
    },
    world,
    reporter,
  );
  return join(entry.folder, "disk.img.zst");
}
