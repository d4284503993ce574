import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import { world } from "./surroundings.ts";

/** Copies files, and whole folders where a path ends in a slash, out of a slot's file system below `target`. */
export async function takeFromSlot(
  tools: ToolsTree,
  slot: string,
  paths: readonly string[],
  target: string,
): Promise<void> {
  const commands: string[] = [];
  for (const path of paths) {
    // debugfs makes a folder itself, and fails where there is one.
    const parent = join(target, path, "..");
    await mkdir(parent, { recursive: true });
    commands.push(
      path.endsWith("/") ? `rdump ${path.slice(0, -1)} ${parent}` : `dump ${path} ${join(target, path)}`,
    );
  }
  const script = join(target, "debugfs.commands");
  await writeFile(script, `${commands.join("\n")}\n`);
  await world.processes.run(
    tools.command(["debugfs", "-f", script, slot], {
      binds: [{ source: target }, { source: join(slot, ".."), readOnly: true }],
      timeoutMs: 60_000,
    }),
  );
}
