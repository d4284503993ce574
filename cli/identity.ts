import { resolve } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "./context.ts";

interface IdentityOptions {
  readonly file?: string;
}

export function register(program: Command, context: CliContext): void {
  program
    .command("identity <node>")
    .description("print a node's identity.yaml, to be copied to the first partition of its card")
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .action(async (node: string, options: IdentityOptions) => {
      const [{ loadDefinition }, { renderIdentity }] = await Promise.all([
        import("../lib/cluster/load.ts"),
        import("../lib/cluster/identity.ts"),
      ]);
      const path = options.file === undefined ? undefined : resolve(options.file);
      const { definition, file } = await loadDefinition(context.project, path);
      context.print(renderIdentity(definition, node, file));
    });
}
