import { join } from "node:path";
import type { BuildInfo, BuiltImage } from "../image/build/results.ts";
import type { SigningIdentity } from "../keys/keys.ts";
import type { Step } from "../progress/reporter.ts";
import { makeBundle, type ResignRequest, resignBundle } from "./bundle/bundle.ts";
import { bundleDifferences } from "./bundle/info.ts";
import type { BundleManifest } from "./bundle/manifest.ts";
import { compressForRelease } from "./compress.ts";
import { ReleaseError } from "./failure.ts";
import type { BuildAssetNames } from "./names.ts";
import type { Press } from "./press.ts";
import { takeOver } from "./take-over.ts";

/** The release a build's files are made for: the version without `v`. */
export interface Edition {
  readonly version: string;
  readonly serial: number;
}

export function manifestOf(info: BuildInfo, { version, serial }: Edition): BundleManifest {
  return {
    ...{ compatible: info.name, version, serial },
    ...{ buildId: info.buildId, slotDigest: info.slot.sha256 },
  };
}

/** Puts image, bill of materials and buildinfo of a build into `folder`; returns the packed image in the cache. */
export async function layOutBuild(
  image: BuiltImage,
  names: BuildAssetNames,
  folder: string,
  { tools, cacheDir, world, reporter }: Pick<Press, "tools" | "cacheDir" | "world" | "reporter">,
): Promise<string> {
  const packed = await compressForRelease(image, tools, cacheDir, world, reporter);
  await takeOver(packed, join(folder, names.image));
  await takeOver(join(image.folder, "sbom.cdx.json"), join(folder, names.sbom));
  await takeOver(join(image.folder, "buildinfo.json"), join(folder, names.buildinfo));
  return packed;
}

/** A bundle of the build in the empty folder `work`, signed by an identity nobody trusts. */
export async function bundleOf(
  image: BuiltImage,
  edition: Edition,
  work: string,
  press: Pick<Press, "tools" | "world" | "throwAway">,
  step: Step,
): Promise<{ readonly bundle: string; readonly throwAway: SigningIdentity }> {
  const throwAway = await press.throwAway();
  const slot = join(image.folder, "slot.ext4");
  const request = {
    manifest: manifestOf(image.info, edition),
    slot,
    folder: work,
    epoch: image.info.base.epoch,
  };
  return { bundle: await makeBundle(request, throwAway, press.tools, press.world, step), throwAway };
}

/** Signs a build's bundle with the cluster's key, and holds what it says against the build. Throws ReleaseError BUNDLE. */
export async function sealBundle(
  request: Omit<ResignRequest, "epoch">,
  id: string,
  info: BuildInfo,
  edition: Edition,
  { tools, world, identity }: Pick<Press, "tools" | "world" | "identity">,
  step: Step,
): Promise<void> {
  const signed = await resignBundle({ ...request, epoch: info.base.epoch }, identity, tools, world, step);
  const wrong = bundleDifferences(signed, manifestOf(info, edition));
  if (wrong.length === 0) return;
  throw new ReleaseError("BUNDLE", `the bundle of ${id} is not of its image`, { details: wrong });
}
