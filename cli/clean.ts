import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import prettyBytes from "pretty-bytes";
import { exists } from "../lib/external/files.ts";
import type { CliContext } from "./context.ts";
import { becomeRoot } from "./root.ts";

async function usage(path: string, context: CliContext): Promise<number> {
  const argv = ["du", "--summarize", "--block-size=1", "--one-file-system", path] as const;
  const result = await context.world.processes.run({ argv: [...argv], timeoutMs: 120_000, accept: [0, 1] });
  return Number(result.stdout.split("\t")[0] ?? 0);
}

export function register(program: Command, context: CliContext): void {
  program
    .command("clean")
    .description("show what the cache holds; with --yes, free it")
    .option("--yes", "delete the cache")
    .action(async (flags: { yes?: true }) => {
      const { cacheDir, world, print } = context;
      if (!(await exists(cacheDir))) return print(`${cacheDir}: empty\n`);
      const show = async (path: string): Promise<void> =>
        print(`${prettyBytes(await usage(path, context)).padStart(9)}  ${path}\n`);
      if (flags.yes === true) {
        becomeRoot(context, "deleting the cache");
        const { freeCache } = await import("../lib/image/cache-use.ts");
        await freeCache(cacheDir, world, show);
        return print("freed\n");
      }
      for (const room of (await readdir(cacheDir)).sort()) await show(join(cacheDir, room));
      print("free it with: ./pi clean --yes\n");
    });
}
