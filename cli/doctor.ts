import type { Command } from "commander";
import type { CliContext } from "./context.ts";

export function register(program: Command, context: CliContext): void {
  program
    .command("doctor")
    .description("check that this machine can build, and say what is missing")
    .action(async () => {
      const { judgeMachine, readMachine } = await import("../lib/image/preflight.ts");
      const findings = judgeMachine(await readMachine(context));
      for (const { name, ok, found, fix } of findings) {
        context.print(
          `${ok ? "ok     " : "missing"}  ${name}: ${found}${ok ? "" : `\n         fix: ${fix}`}\n`,
        );
      }
      if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
    });
}
