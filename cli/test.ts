import { type Command } from "commander";
import type { CliContext } from "./context.ts";

/** Registered so that it is listed; `pi` hands it to scripts/run-tests.ts. */
export function register(program: Command, _context: CliContext): void {
  program
    .command("test")
    .description("fast: no root, no image, under a minute; nothing: everything CI runs; deep [NAME]: the rest")
    .argument("[door]", "fast, deep, or nothing")
    .argument("[name]", "one group of deep")
    .action(async (door: string | undefined, name: string | undefined) => {
      const { runTests } = await import("../scripts/run-tests.ts");
      process.exitCode = await runTests(door ?? "ci", name, _context);
    });
}
