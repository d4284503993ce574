import { writeFile } from "node:fs/promises";
import type { World } from "../../external/world.ts";
import { parseDpkgStatus } from "../base/dpkg-status.ts";
import { type SbomRequest, sbom } from "./sbom.ts";

/** For `tar` to find one file in a tree, in milliseconds. */
const READ_MS = 60_000;

/** Writes the bill of materials of a finished tree, whose packages dpkg's own status names. */
export async function writeSbom(
  request: Omit<SbomRequest, "packages">,
  { tree, to }: { readonly tree: string; readonly to: string },
  world: World,
): Promise<void> {
  const status = await world.processes.run({
    argv: ["tar", "--extract", "--to-stdout", "--file", tree, "./var/lib/dpkg/status"],
    timeoutMs: READ_MS,
  });
  await writeFile(to, await sbom({ ...request, packages: parseDpkgStatus(status.stdout) }));
}
