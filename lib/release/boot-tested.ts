import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bootImage } from "../emulator/boot.ts";
import type { MachineName } from "../emulator/machine.ts";
import { checksError } from "../emulator/verdict.ts";
import { asset } from "../external/assets.ts";
import { sha256OfText } from "../external/files.ts";
import { digestFolder } from "../external/folder-digest.ts";
import type { World } from "../external/world.ts";
import type { BuildInfo } from "../image/build/results.ts";
import { ensureCached } from "../image/cache.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { Reporter } from "../progress/reporter.ts";
import { bootSummary } from "./boot-summary.ts";
import { type ReleasedBuild, releasedBuild } from "./document.ts";

export type BootSummary = ReleasedBuild["boot"];

const RESULT = "boot.json";

export interface BootTest {
  readonly id: string;
  readonly info: BuildInfo;
  /** The very file that is released, and its SHA-256. */
  readonly image: { readonly path: string; readonly sha256: string };
  readonly machine: MachineName;
}

/**
 * Boots exactly what is released, once: an image that passed is not booted again by the same emulator.
 * Throws EmulatorError where it does not come up or a check fails; nothing is released then.
 */
export async function bootTested(
  test: BootTest,
  tools: ToolsTree,
  cacheDir: string,
  world: World,
  reporter: Reporter,
): Promise<BootSummary> {
  const { id, info, image, machine } = test;
  const emulator = await digestFolder(asset("lib", "emulator"));
  const { cluster, profile, board, buildId } = info;
  const entry = await ensureCached(
    {
      ...{
        cacheDir,
        room: "booted",
        key: sha256OfText([image.sha256, machine, emulator, tools.digest].join()),
      },
      about: { image: image.sha256, machine, build: buildId },
      make: async (folder) => {
        const consoleLog = join(cacheDir, "boots", `${profile}-${machine}.console.log`);
        const result = await reporter.step(`boot ${id} on ${machine}`, {}, (step) =>
          bootImage(
            {
              ...{ machine, image: image.path, consoleLog, boots: 1, scratch: join(cacheDir, "scratch") },
              expected: { cluster, profile, board, buildId },
            },
            tools,
            world,
            step,
          ),
        );
        if (!result.ok) throw checksError(result);
        const told = bootSummary(result);
        await writeFile(join(folder, RESULT), `${JSON.stringify(told)}\n`);
      },
    },
    world,
    reporter,
  );
  if (entry.reused) reporter.info(`${id}: this image booted on ${machine} before`);
  return releasedBuild.shape.boot.parse(JSON.parse(await readFile(join(entry.folder, RESULT), "utf8")));
}
