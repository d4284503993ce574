import { readdir, rm } from "node:fs/promises";
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
      if (!(await exists(context.cacheDir))) return context.print(`${context.cacheDir}: empty\n`);
      if (flags.yes) becomeRoot(context, "deleting the cache");
      for (const room of (await readdir(context.cacheDir)).sort()) {
        const path = join(context.cacheDir, room);
        context.print(`${prettyBytes(await usage(path, context)).padStart(9)}  ${path}\n`);
        if (flags.yes) await rm(path, { recursive: true, force: true });
      }
      context.print(flags.yes ? "freed\n" : "free it with: ./pi clean --yes\n");
    });
}
