import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openRunArtifacts, type RunArtifacts } from "../../lib/external/run-artifacts.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { BOOT_FILE, type PackedBuild, readPackedBuild } from "../../lib/release/packed-build.ts";
import type { Version } from "../../lib/release/version.ts";
import { ActionError } from "../runner/failure.ts";

/** The artifacts a build and its boot test leave, by the build's id. */
const imageOf = (id: string): string => `image-${id}`;
const bootOf = (id: string): string => `boot-${id}`;

/**
 * Downloads every build of the definition with its boot test. Throws ActionError BUILDS where one is missing: a
 * release has all images or is none; ArtifactError; ReleaseError DOCUMENT.
 */
export async function fetchBuilds(
  ids: readonly string[],
  version: Version,
  folder: string,
  reporter: Reporter,
): Promise<PackedBuild[]> {
  const artifacts = await openRunArtifacts();
  const listed = await artifacts.list();
  const wanted = ids.flatMap((id) => [imageOf(id), bootOf(id)]);
  const missing = wanted.filter((name) => !listed.some((one) => one.name === name));
  if (missing.length > 0) {
    throw new ActionError("BUILDS", `this run has no artifact ${missing.join(", ")}`, {
      fix: "build and boot every image of the definition in jobs before, with `artifact:` set, then run this again",
    });
  }
  const builds: PackedBuild[] = [];
  for (const id of ids) {
    const fetched = (name: string): Promise<string> => fetchOne(artifacts, listed, name, folder, reporter);
    const image = await fetched(imageOf(id));
    const boot = join(await fetched(bootOf(id)), BOOT_FILE);
    builds.push(await readPackedBuild(id, image, boot, version));
  }
  return builds;
}

async function fetchOne(
  artifacts: RunArtifacts,
  listed: Awaited<ReturnType<RunArtifacts["list"]>>,
  name: string,
  folder: string,
  reporter: Reporter,
): Promise<string> {
  const place = join(folder, name);
  const found = listed.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is listed and not there`);
  await mkdir(place, { recursive: true });
  await reporter.step(`download ${name}`, {}, () => artifacts.download(found, place));
  return place;
}
