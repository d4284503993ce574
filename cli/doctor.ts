import type { Command } from "commander";
import type { CliContext } from "./context.ts";

export function register(program: Command, context: CliContext): void {
  program
    .command("doctor")
    .description("check that this machine can build, and say what is missing")
    .action(async () => {
      const { judgeMachine, readMachine } = await import("../lib/image/preflight.ts");
      const findings = judgeMachine(await readMachine({ ...context, askArchive: "always" }));
      for (const { name, ok, found, fix, warning } of findings) {
        const verdict = ok ? "ok" : warning ? "warning" : "missing";
        context.print(`${verdict.padEnd(7)}  ${name}: ${found}${ok ? "" : `\n         fix: ${fix}`}\n`);
      }
      if (findings.some(({ ok, warning }) => !ok && !warning)) process.exitCode = 1;
    });
}
