import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Plugin } from "esbuild";
import { bundle, licences } from "./build-actions.ts";

const root = join(import.meta.dirname, "..");

// zod brings its messages in fifty languages, which cost a node more memory than all of the updater.
const oneLanguage: Plugin = {
  name: "one-language",
  setup(build) {
    build.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export {};" }));
  },
};

/**
 * Bundles the updater of the nodes: `folder` receives node-update.mjs, which needs nothing but Node, and
 * licenses.txt. The same sources give the same bytes. Returns the paths of what went into it.
 */
export async function buildUpdater(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const program = join(folder, "node-update.mjs");
  const metafile = await bundle("updater/main.ts", program, [oneLanguage]);
  await chmod(program, 0o755);
  await writeFile(join(folder, "licenses.txt"), await licences(metafile));
  return Object.keys(metafile.inputs);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "updater/dist") } } });
  await buildUpdater(values.out);
  process.stdout.write("built node-update\n");
}
