import { chmod, mkdir, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assetsRoot } from "../../../lib/external/assets.ts";

/**
 * Puts the stand-in into `folder` as if somebody had put Packer and the plugin there: two programs, for
 * PI_PACKER_DIR. Returns what they need to see besides when they run in the tools tree: Node, this
 * repository and its packages, which in a copy of it are a link.
 */
export async function layOutStandIn(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const main = join(import.meta.dirname, "main.ts");
  const packer = `#!/bin/sh\nexec '${process.execPath}' --no-warnings '${main}' "$@"\n`;
  const plugin = "#!/bin/sh\necho 'stand-in for the arm plugin' >&2\nexit 1\n";
  for (const [name, text] of [
    ["packer", packer],
    ["packer-plugin-builder-arm", plugin],
  ] as const) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
  return [process.execPath, assetsRoot, await realpath(join(assetsRoot, "node_modules"))];
}
