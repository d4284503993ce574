import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { becomeRoot } from "./root.ts";

/** Writes tools/resolved.ARCHITECTURE.txt anew for both architectures, from the archive as it is. */
async function updateTools(context: CliContext): Promise<void> {
  const [{ ensureTools, resolvedToolsFile, TOOLS_SUITE }, { openArchive }, resolution, files, { asset }] =
    await Promise.all([
      import("../lib/image/tools/ensure.ts"),
      import("../lib/image/archive/archive.ts"),
      import("../lib/image/archive/resolution.ts"),
      import("../lib/external/files.ts"),
      import("../lib/external/assets.ts"),
    ]);
  const { world, reporter, cacheDir } = context;
  const tree = await ensureTools(world, reporter, cacheDir);
  const names = resolution.parsePackageNames(await readFile(asset("tools", "packages.txt"), "utf8"));
  for (const architecture of ["amd64", "arm64"]) {
    const choice = { suite: TOOLS_SUITE, snapshot: undefined, architecture };
    const archive = await openArchive(choice, tree, cacheDir, world, reporter);
    const text = resolution.formatResolution(await archive.resolve(["?priority(required)", "apt", ...names]));
    const file = resolvedToolsFile(architecture);
    const changed = (await files.readTextIfPresent(file)) !== text;
    await files.writeAtomically(file, text);
    context.print(`${architecture}: ${changed ? "written, commit it" : "unchanged"}\n`);
  }
}

export function register(program: Command, context: CliContext): void {
  const tools = program.command("tools").description("the programs that build and boot images");
  tools
    .command("update")
    .description("resolve the tools tree's packages anew")
    .action(async () => {
      becomeRoot(context, "making the tools tree");
      const { usingCache } = await import("../lib/image/cache-use.ts");
      await usingCache(context.cacheDir, context.world, context.reporter, () => updateTools(context));
    });
}
