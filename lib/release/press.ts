import type { MachineName } from "../emulator/machine.ts";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { SigningIdentity } from "../keys/keys.ts";
import type { Reporter } from "../progress/reporter.ts";

/** What it takes to turn builds into files of a release. */
export interface Press {
  readonly tools: ToolsTree;
  readonly cacheDir: string;
  readonly world: World;
  readonly reporter: Reporter;
  readonly machine: MachineName;
  readonly identity: SigningIdentity;
  /** An identity for one bundle, which nobody trusts. */
  readonly throwAway: () => Promise<SigningIdentity>;
}
