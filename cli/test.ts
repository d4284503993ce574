import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { becomeRoot } from "./root.ts";

export function register(program: Command, context: CliContext): void {
  program
    .command("test")
    .description("fast: no root, no image; without a word: what CI runs; deep [GROUP]: the rest")
    .argument("[door]", "fast or deep")
    .argument("[group]", "one group of the door")
    .action(async (door: string | undefined, group: string | undefined) => {
      const { needsRoot, runTests } = await import("./test-runner.ts");
      const wanted = door ?? "ci";
      if (needsRoot(wanted)) becomeRoot(context, "building and booting images");
      process.exitCode = await runTests(wanted, group, context);
    });
}
