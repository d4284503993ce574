import { join } from "node:path";
import type { Command } from "../external/process.ts";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";

/** Where one image is taken apart. Nothing of it is ever mounted on this machine, and nothing is written to it. */
export interface Workplace {
  readonly tools: ToolsTree;
  readonly world: World;
  /** A folder of its own; the tools see it at the same place. */
  readonly work: string;
  /** The unpacked image. */
  readonly image: string;
  /** What messages call it. */
  readonly name: string;
}

const TOOL_MS = 10 * 60_000;

/** Where the tools see the image: under a name of ours, whatever characters its own has. */
export function imageInside({ work }: Workplace): string {
  return join(work, "image");
}

/** Runs one of the tools, with the work folder writable and the image not. */
export function runTool(
  place: Workplace,
  argv: readonly [string, ...string[]],
  more: Partial<Pick<Command, "onLine" | "accept">> = {},
) {
  const { tools, world, work, image } = place;
  const command = tools.command(argv, {
    binds: [{ source: work }, { source: image, target: imageInside(place), readOnly: true }],
    env: { TZ: "UTC", LC_ALL: "C.UTF-8", MTOOLS_SKIP_CHECK: "1" },
    cwd: work,
    timeoutMs: TOOL_MS,
    signal: world.signal,
    ...more,
  });
  return world.processes.run(command);
}
