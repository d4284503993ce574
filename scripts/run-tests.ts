import type { CliContext } from "../cli/context.ts";

/** Placeholder until the doors are wired below. */
export async function runTests(
  _door: string,
  _name: string | undefined,
  _context: CliContext,
): Promise<number> {
  return 1;
}
