import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../external/files.ts";
import type { BuiltImage } from "../image/build/results.ts";
import { bootTested } from "./boot-tested.ts";
import { bundleOf, type Edition, layOutBuild, sealBundle } from "./build-files.ts";
import type { ReleasedBuild } from "./document.ts";
import type { BuildAssetNames } from "./names.ts";
import type { Press } from "./press.ts";

export interface NewBuild extends Edition {
  readonly image: BuiltImage;
  readonly names: BuildAssetNames;
}

/** Puts the files of a new build into `folder`: its image, booted, its bundle, its bill of materials, its buildinfo. */
export async function prepareNewBuild(
  { image, names, ...edition }: NewBuild,
  folder: string,
  press: Press,
): Promise<Pick<ReleasedBuild, "slot" | "disk" | "boot">> {
  const { tools, cacheDir, world, reporter, machine } = press;
  const { id, info } = image;
  const path = await layOutBuild(image, names, folder, press);
  const tested = { id, info, image: { path, sha256: await sha256OfFile(path) }, machine };
  const boot = await bootTested(tested, tools, cacheDir, world, reporter);
  const to = join(folder, names.bundle);
  const work = `${to}.work`;
  await mkdir(work);
  await reporter.step(`bundle of ${id}`, {}, async (step) => {
    step.update("packing the slot", 0.05);
    const { bundle: from, throwAway } = await bundleOf(image, edition, work, press, step);
    step.update("signing", 0.9);
    await sealBundle({ from, throwAwayCa: throwAway.ca, to }, id, info, edition, press, step);
  });
  await rm(work, { recursive: true });
  return { slot: info.slot, disk: info.disk, boot };
}
