import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineName } from "../emulator/machine.ts";
import { sha256OfFile } from "../external/files.ts";
import type { World } from "../external/world.ts";
import type { BuiltImage } from "../image/build/results.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { SigningIdentity } from "../keys/keys.ts";
import type { Reporter } from "../progress/reporter.ts";
import { bootTested } from "./boot-tested.ts";
import { makeBundle, resignBundle } from "./bundle/bundle.ts";
import { bundleDifferences } from "./bundle/info.ts";
import type { BundleManifest } from "./bundle/manifest.ts";
import { compressForRelease } from "./compress.ts";
import type { ReleasedBuild } from "./document.ts";
import { ReleaseError } from "./failure.ts";
import type { BuildAssetNames } from "./names.ts";
import { takeOver } from "./take-over.ts";

/** What it takes to turn builds into files of a release. */
export interface Press {
  readonly tools: ToolsTree;
  readonly cacheDir: string;
  readonly world: World;
  readonly reporter: Reporter;
  readonly machine: MachineName;
  readonly identity: SigningIdentity;
  /** An identity for one bundle, which nobody trusts. */
  readonly throwAway: () => Promise<SigningIdentity>;
}

export interface NewBuild {
  readonly image: BuiltImage;
  readonly names: BuildAssetNames;
  readonly version: string;
  readonly serial: number;
}

/** Puts the files of a new build into `folder`: its image, booted, its bundle, its bill of materials, its buildinfo. */
export async function prepareNewBuild(
  { image, names, version, serial }: NewBuild,
  folder: string,
  press: Press,
): Promise<Pick<ReleasedBuild, "slot" | "disk" | "boot">> {
  const { tools, cacheDir, world, reporter, machine } = press;
  const { info } = image;
  const packed = await compressForRelease(image, tools, cacheDir, world, reporter);
  const sha256 = await sha256OfFile(packed);
  const tested = { id: image.id, info, image: { path: packed, sha256 }, machine };
  const boot = await bootTested(tested, tools, cacheDir, world, reporter);
  await takeOver(packed, join(folder, names.image));
  await takeOver(join(image.folder, "sbom.cdx.json"), join(folder, names.sbom));
  await takeOver(join(image.folder, "buildinfo.json"), join(folder, names.buildinfo));
  const manifest: BundleManifest = {
    ...{ compatible: info.name, version, serial },
    ...{ buildId: info.buildId, slotDigest: info.slot.sha256 },
  };
  await bundleInto(join(folder, names.bundle), image, manifest, press);
  return { slot: info.slot, disk: info.disk, boot };
}

async function bundleInto(
  target: string,
  image: BuiltImage,
  manifest: BundleManifest,
  press: Press,
): Promise<void> {
  const { tools, world, reporter, identity } = press;
  const work = `${target}.work`;
  await mkdir(work);
  await reporter.step(`bundle of ${image.id}`, {}, async (step) => {
    const throwAway = await press.throwAway();
    const { epoch } = image.info.base;
    const request = { manifest, slot: join(image.folder, "slot.ext4"), folder: work, epoch };
    step.update("packing the slot", 0.05);
    const from = await makeBundle(request, throwAway, tools, world, step);
    step.update("signing", 0.9);
    const signed = { from, throwAwayCa: throwAway.ca, to: target, epoch };
    const info = await resignBundle(signed, identity, tools, world, step);
    const wrong = bundleDifferences(info, manifest);
    if (wrong.length > 0) {
      throw new ReleaseError("BUNDLE", `the bundle of ${image.id} is not what it was made of`, {
        details: wrong,
      });
    }
  });
  await rm(work, { recursive: true });
}
