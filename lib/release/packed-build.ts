import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { bootResult } from "../emulator/boot-result.ts";
import { sha256OfFile } from "../external/files.ts";
import { withScratch } from "../external/scratch.ts";
import { buildInfo } from "../image/build/info-schema.ts";
import type { BuildInfo, BuiltImage } from "../image/build/results.ts";
import { bootSummary } from "./boot-summary.ts";
import { bundleOf, layOutBuild, sealBundle } from "./build-files.ts";
import type { ReleasedBuild } from "./document.ts";
import { ReleaseError } from "./failure.ts";
import { type BuildAssetNames, buildAssetNames } from "./names.ts";
import type { NewBuild } from "./prepare-build.ts";
import type { Press } from "./press.ts";
import { takeOver } from "./take-over.ts";
import type { Version } from "./version.ts";

/** The certificate under which a build job signed its bundle. Nobody trusts it; it belongs to these files. */
export const THROW_AWAY_CA = "throw-away-ca.pem";

/** What a boot job says of the image it booted, in its artifact. */
export const BOOT_FILE = "boot.json";

/** What a build job hands to the job that publishes: named as in the release, the bundle signed by nobody. */
export interface PackedBuild {
  /** `<profile>-<board>`. */
  readonly id: string;
  readonly folder: string;
  readonly info: BuildInfo;
  readonly names: BuildAssetNames;
  readonly boot: ReleasedBuild["boot"];
}

/**
 * Puts a build's files for a release into `folder`: image, bundle, bill of materials, buildinfo, and the certificate
 * of the bundle. Needs no key of the cluster's. Returns the names. Throws ReleaseError BUNDLE.
 */
export async function packBuild(
  image: BuiltImage,
  version: Version,
  folder: string,
  press: Pick<Press, "tools" | "cacheDir" | "world" | "reporter" | "throwAway">,
): Promise<BuildAssetNames> {
  const { cacheDir, reporter } = press;
  const names = buildAssetNames(image.info.name, version.text);
  await mkdir(folder, { recursive: true });
  for (const name of [...Object.values(names), THROW_AWAY_CA]) await rm(join(folder, name), { force: true });
  await layOutBuild(image, names, folder, press);
  const edition = { version: version.text, serial: version.serial };
  await withScratch(join(cacheDir, "scratch"), "pack-", async (work) => {
    await reporter.step(`bundle of ${image.id}`, {}, async (step) => {
      const { bundle, throwAway } = await bundleOf(image, edition, work, press, step);
      await takeOver(bundle, join(folder, names.bundle));
      await writeFile(join(folder, THROW_AWAY_CA), throwAway.ca);
    });
  });
  return names;
}

const tested = z.looseObject({ imageSha256: z.string(), result: bootResult });

/**
 * Reads what build and boot job left: `folder` of the first, `bootFile` of the second. Throws ReleaseError DOCUMENT
 * where a file is missing or is no such file, or where another image was booted.
 */
export async function readPackedBuild(
  id: string,
  folder: string,
  bootFile: string,
  version: Version,
): Promise<PackedBuild> {
  const refuse = (why: string, cause?: unknown): ReleaseError =>
    new ReleaseError("DOCUMENT", `the build ${id} cannot be released: ${why}`, {
      fix: "run the failed jobs again, all of them",
      cause,
    });
  const files = await readdir(folder);
  const infoFile = files.find((name) => name.endsWith(".buildinfo.json"));
  if (infoFile === undefined) throw refuse("its artifact has no buildinfo");
  const info = await readJson(join(folder, infoFile), buildInfo).catch((cause: unknown) => {
    throw refuse(`${infoFile} is no buildinfo`, cause);
  });
  const names = buildAssetNames(info.name, version.text);
  const missing = [...Object.values(names), THROW_AWAY_CA].filter((name) => !files.includes(name));
  if (missing.length > 0) throw refuse(`its artifact lacks ${missing.join(", ")}`);
  if (`${info.profile}-${info.board}` !== id || info.name !== `${info.cluster}-${id}`) {
    throw refuse(`its buildinfo is of ${info.name}`);
  }
  const boot = await readJson(bootFile, tested).catch((cause: unknown) => {
    throw refuse("its boot test left no result", cause);
  });
  if (!boot.result.ok) throw refuse("it did not pass its boot test");
  if (boot.imageSha256 !== (await sha256OfFile(join(folder, names.image)))) {
    throw refuse("another image was booted than the one that is to be released");
  }
  return { id, folder, info, names, boot: bootSummary(boot.result) };
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await readFile(path, "utf8")));
}

/** Puts a packed build's files into `folder`, its bundle signed with the cluster's key. Throws ReleaseError BUNDLE. */
export async function sealBuild(
  packed: PackedBuild,
  { names, ...edition }: Omit<NewBuild, "image">,
  folder: string,
  press: Pick<Press, "tools" | "world" | "reporter" | "identity">,
): Promise<Pick<ReleasedBuild, "slot" | "disk" | "boot">> {
  const { id, info, boot } = packed;
  for (const kind of ["image", "sbom", "buildinfo"] as const) {
    await takeOver(join(packed.folder, packed.names[kind]), join(folder, names[kind]));
  }
  const request = {
    from: join(packed.folder, packed.names.bundle),
    throwAwayCa: await readFile(join(packed.folder, THROW_AWAY_CA), "utf8"),
    to: join(folder, names.bundle),
  };
  await press.reporter.step(`sign the bundle of ${id}`, {}, (step) =>
    sealBundle(request, id, info, edition, press, step),
  );
  return { slot: info.slot, disk: info.disk, boot };
}
