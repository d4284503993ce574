import type { World } from "../../external/world.ts";
import type { Reporter } from "../../progress/reporter.ts";
import { chrootProvisioner } from "./chroot.ts";
import type { BuilderName, Provisioner } from "./provisioner.ts";

/**
 * The builder of that name. Packer is fetched where the runner does not have it: its own, in an accepted
 * version, else the pinned one. Throws PackerError, DownloadError.
 */
export async function provisionerNamed(
  name: BuilderName,
  cacheDir: string,
  world: World,
  reporter: Reporter,
): Promise<Provisioner> {
  if (name === "chroot") return chrootProvisioner;
  const [{ installPacker }, { packerProvisioner }, { readPins }] = await Promise.all([
    import("./packer/installation.ts"),
    import("./packer/packer.ts"),
    import("./packer/pins.ts"),
  ]);
  const request = {
    pins: await readPins(),
    cacheDir,
    folder: process.env.PI_PACKER_DIR,
    searchPath: process.env.PATH,
  };
  return packerProvisioner(await installPacker(request, world, reporter));
}
