import type { World } from "../lib/external/world.ts";
import type { Reporter } from "../lib/progress/reporter.ts";

/** What every command gets from cli/main.ts. */
export interface CliContext {
  /** Root of the repository. */
  readonly project: string;
  readonly cacheDir: string;
  readonly world: World;
  readonly reporter: Reporter;
  /** Writes the answer of a command to standard output; the text brings its own newline. */
  readonly print: (text: string) => void;
}
