import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { processes } from "../../../lib/external/process.ts";
import { bundle } from "../../../scripts/build-actions.ts";
import { layOutStandIn } from "./lay-out.ts";

/** Unpacks itself, runs, and takes what it unpacked away; what it is sent, its program gets. */
const HEAD = `#!/bin/sh
here=$(mktemp -d) || exit 1
tail -n +13 "$0" | tar -x -C "$here" || { rm -rf "$here"; exit 1; }
"$here/node" --no-warnings "$here/lib/main.js" "$@" &
program=$!
trap 'kill -TERM $program' TERM
trap 'kill -INT $program' INT
wait $program; status=$?
while kill -0 $program 2>/dev/null; do wait $program; status=$?; done
rm -rf "$here"
exit $status
# A tar archive follows.
`;
const TAR_MS = 60_000;

/** A module of an older Node, for which the parser asks only where the global of that name is missing. */
const asItIs: Plugin = {
  name: "as-it-is",
  setup: ({ onResolve }) => onResolve({ filter: /^performance$/ }, ({ path }) => ({ path, external: true })),
};

/**
 * Puts the stand-in into `folder`, for PI_PACKER_DIR, in one file as Packer itself is one: it needs nothing of this
 * project where it runs, so that an action's bundle can start it in the tools tree.
 */
export async function packUpStandIn(folder: string): Promise<void> {
  await layOutStandIn(folder);
  const parts = await mkdtemp(join(tmpdir(), "stand-in-"));
  try {
    await mkdir(join(parts, "lib"));
    await bundle("tests/stand-in/packer/main.ts", join(parts, "lib", "main.js"), [asItIs]);
    await writeFile(join(parts, "package.json"), '{ "type": "module" }\n');
    // The parser of templates looks for its own beside the folder of its program.
    const parser = createRequire(import.meta.url).resolve("@cdktf/hcl2json/package.json");
    await copyFile(join(dirname(parser), "main.wasm.gz"), join(parts, "main.wasm.gz"));
    await copyFile(process.execPath, join(parts, "node"));
    const [archive, program] = [join(parts, "archive.tar"), join(folder, "packer")];
    const names = ["lib", "package.json", "main.wasm.gz", "node"];
    await processes.run({ argv: ["tar", "-cf", archive, "-C", parts, ...names], timeoutMs: TAR_MS });
    await writeFile(program, HEAD);
    await processes.run({
      argv: ["sh", "-c", 'cat "$0" >> "$1"', archive, program],
      timeoutMs: TAR_MS,
    });
    await chmod(program, 0o755);
  } finally {
    await rm(parts, { recursive: true });
  }
}
