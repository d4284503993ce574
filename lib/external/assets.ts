import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The root of this repository, where ansible/, boards/, packer/ and tools/ lie. Found by walking up, so that
 * it is right for sources run in place and for an action's bundle in actions/NAME/dist alike.
 */
export const assetsRoot: string = (() => {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "boards"))) {
    if (dirname(folder) === folder) throw new Error("boards/ was not found above this program");
    folder = dirname(folder);
  }
  return folder;
})();

export function asset(...parts: readonly string[]): string {
  return join(assetsRoot, ...parts);
}
