import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where a bundle is downloaded to. By digest: what another release left half downloaded is not gone on with. */
export function bundlePath(folder: string, sha256: string): string {
  return join(folder, `${sha256}.raucb`);
}

/**
 * Removes downloaded bundles, whole or begun, all but that of `keep`: nobody comes back for another one. What cannot
 * be removed stays: that is no reason to install nothing, and none to call what is installed a failure.
 */
export async function removeBundles(folder: string, keep?: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (keep !== undefined && name.startsWith(`${keep}.`)) continue;
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
