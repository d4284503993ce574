import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import { RehearsalError } from "./failure.ts";
import { EDIT_MS } from "./limits.ts";

/** A change of one file of a slot. */
export type SlotEdit =
  | {
      readonly kind: "write";
      readonly path: string;
      readonly content: string | Uint8Array;
      readonly executable?: boolean;
    }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "remove"; readonly path: string };

const FILE = 0o100644;
const PROGRAM = 0o100755;

/** debugfs' commands for the changes; the contents lie in files beside, named by their number. Pure. */
export function editScript(
  edits: readonly SlotEdit[],
  folder: string,
  replaced: ReadonlySet<string>,
): string[] {
  return edits.flatMap((edit, at) => {
    const removed = replaced.has(edit.path) ? [`rm ${edit.path}`] : [];
    if (edit.kind === "remove") return [`rm ${edit.path}`];
    if (edit.kind === "link") return [...removed, `symlink ${edit.path} ${edit.target}`];
    const mode = `0${(edit.executable === true ? PROGRAM : FILE).toString(8)}`;
    return [
      ...removed,
      `write ${join(folder, `edit-${at}`)} ${edit.path}`,
      ...["uid", "gid"].map((owner) => `set_inode_field ${edit.path} ${owner} 0`),
      `set_inode_field ${edit.path} mode ${mode}`,
    ];
  });
}

/**
 * Changes files of a slot's file system without mounting it. The slot lies in `folder`. Throws RehearsalError SLOT,
 * with what debugfs said.
 */
export async function editSlot(
  slot: string,
  folder: string,
  edits: readonly SlotEdit[],
  tools: ToolsTree,
  world: World,
): Promise<void> {
  const debugfs = (...args: string[]) =>
    world.processes.run(
      tools.command(["debugfs", ...args, slot], {
        ...{ binds: [{ source: folder }], timeoutMs: EDIT_MS, signal: world.signal },
      }),
    );
  const replaced = new Set<string>();
  for (const [at, edit] of edits.entries()) {
    if (edit.kind === "write") await writeFile(join(folder, `edit-${at}`), edit.content);
    const { stdout } = await debugfs("-R", `stat ${edit.path}`);
    if (/^Inode:/m.test(stdout)) replaced.add(edit.path);
  }
  const script = join(folder, "edits");
  await writeFile(script, `${editScript(edits, folder, replaced).join("\n")}\n`);
  // debugfs ends with 0 whatever happened; what went wrong is on its standard error, below its own name.
  const { stderr } = await debugfs("-w", "-f", script);
  const problems = stderr.split("\n").filter((line) => line.trim() !== "" && !/^debugfs \d/.test(line));
  if (problems.length > 0) {
    throw new RehearsalError("SLOT", `${slot} could not be changed`, { details: problems });
  }
}
