import type { Command } from "commander";
import type { CliContext } from "./context.ts";

export function register(program: Command, context: CliContext): void {
  void program;
  void context;
}
