import { mkdir, readdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exists } from "../../lib/external/files.ts";
import { withScratch } from "../../lib/external/scratch.ts";
import type { World } from "../../lib/external/world.ts";
import { WorkbenchError } from "../act-binary.ts";

const APT_MS = 3 * 60_000;

/**
 * Folder with the files of Debian's package sudo, unpacked below `cacheDir` and not installed; undefined where the
 * machine has sudo. Throws WorkbenchError TOOL where apt cannot get it.
 */
export async function sudoTree(cacheDir: string, world: World): Promise<string | undefined> {
  if (await exists("/usr/bin/sudo")) return undefined;
  const tree = join(cacheDir, "sudo");
  if (await exists(tree)) return tree;
  await mkdir(dirname(tree), { recursive: true });
  await withScratch(dirname(tree), "fetch-", async (folder) => {
    const unpacked = join(folder, "tree");
    try {
      await world.processes.run({
        argv: ["apt-get", "--quiet", "--option=APT::Sandbox::User=root", "download", "sudo"],
        ...{ cwd: folder, timeoutMs: APT_MS, signal: world.signal },
      });
      const [name = ""] = (await readdir(folder)).filter((one) => one.endsWith(".deb"));
      await world.processes.run({
        argv: ["dpkg-deb", "--extract", join(folder, name), unpacked],
        ...{ timeoutMs: APT_MS, signal: world.signal },
      });
    } catch (cause) {
      throw new WorkbenchError("TOOL", "apt could not get the package sudo, which the runner's user needs", {
        cause,
        fix: "apt-get update, or install sudo",
      });
    }
    await rename(unpacked, tree);
  });
  return tree;
}
