import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withScratch } from "../lib/external/scratch.ts";
import { buildActions } from "./build-actions.ts";

const root = join(import.meta.dirname, "..");

/** Paths of committed bundles that are not what the sources give today. */
export async function staleBundles(): Promise<string[]> {
  return withScratch(tmpdir(), "check-dist-", async (folder) => {
    const names = await buildActions(folder);
    const files = names.flatMap((name) =>
      ["index.js", "licenses.txt"].map((file) => join(name, "dist", file)),
    );
    const stale = await Promise.all(
      files.map(async (file) => {
        const fresh = await readFile(join(folder, file));
        const committed = await readFile(join(root, "actions", file)).catch(() => Buffer.alloc(0));
        return fresh.equals(committed) ? [] : [join("actions", file)];
      }),
    );
    return stale.flat();
  });
}

if (import.meta.main) {
  const stale = await staleBundles();
  for (const file of stale) process.stderr.write(`${file} is out of date\n`);
  if (stale.length > 0) process.stderr.write("fix: node scripts/build-actions.ts\n");
  process.exitCode = stale.length === 0 ? 0 : 1;
}
