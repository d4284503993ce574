import type { World } from "../../lib/external/world.ts";
import { chrootProvisioner } from "../../lib/image/provision/chroot.ts";
import { installPacker } from "../../lib/image/provision/packer/installation.ts";
import { packerProvisioner } from "../../lib/image/provision/packer/packer.ts";
import { readPins } from "../../lib/image/provision/packer/pins.ts";
import type { BuilderName, Provisioner } from "../../lib/image/provision/provisioner.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";

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
  const request = {
    pins: await readPins(),
    cacheDir,
    folder: process.env.PI_PACKER_DIR,
    searchPath: process.env.PATH,
  };
  return packerProvisioner(await installPacker(request, world, reporter));
}
