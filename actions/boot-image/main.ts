import { mkdir, readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type BootResult, bootImage } from "../../lib/emulator/boot.ts";
import { EmulatorError } from "../../lib/emulator/failure.ts";
import { checksError } from "../../lib/emulator/verdict.ts";
import { sha256OfFile, writeAtomically } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { usingCache } from "../../lib/image/cache-use.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { BOOT_FILE } from "../../lib/release/packed-build.ts";
import { ActionError } from "../runner/failure.ts";
import { installHostPackages } from "../runner/host-packages.ts";
import { addSummary, writeOutputs } from "../runner/outputs.ts";
import { giveToRunner } from "../runner/root.ts";
import { type Inputs, outputs } from "./interface.ts";
import { failureSummary, resultSummary } from "./summary.ts";

export interface Surroundings {
  readonly workspace: string;
  /** Folder for files of this job. */
  readonly temporary: string;
}

/**
 * Boots the image and tells the workflow. Throws EmulatorError for a check that failed or a node that never
 * reported, ActionError DEADLINE for the whole step's time.
 */
export async function run(
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<void> {
  const image = resolve(around.workspace, inputs.image);
  const name = basename(image).replace(/\.img(\.zst)?$/, "");
  const results = join(around.temporary, "home-pi-boot");
  const folder = join(results, `${name}-${inputs.machine}`);
  await mkdir(folder, { recursive: true });
  const files = { result: join(folder, "result.json"), "console-log": join(folder, "console.log") };
  try {
    const result = await bootInTime(image, files["console-log"], inputs, around, world, reporter);
    await writeAtomically(files.result, `${JSON.stringify(result, undefined, 2)}\n`);
    // Publishing asks which file it was that passed.
    const told = { imageSha256: await sha256OfFile(image), result };
    await writeAtomically(join(folder, BOOT_FILE), `${JSON.stringify(told, undefined, 2)}\n`);
    await addSummary(resultSummary(name, result));
    writeOutputs(outputs, { ok: String(result.ok), ...files });
    if (!result.ok) throw checksError(result);
  } catch (error) {
    if (error instanceof EmulatorError && error.code === "CHECKS") throw error;
    await addSummary(failureSummary(name, error));
    writeOutputs(outputs, { ok: "false", result: "", "console-log": files["console-log"] });
    throw error;
  } finally {
    await upload(inputs.artifact, folder);
    await giveToRunner(results);
  }
}

/** Also of a boot that failed: the console log is what says why. */
async function upload(artifact: string | undefined, folder: string): Promise<void> {
  if (artifact === undefined) return;
  const names = (await readdir(folder)).sort();
  if (names.length === 0) return;
  const { openRunArtifacts } = await import("../../lib/external/run-artifacts.ts");
  const artifacts = await openRunArtifacts();
  await artifacts.upload(
    artifact,
    names.map((name) => join(folder, name)),
  );
}

async function bootInTime(
  image: string,
  consoleLog: string,
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<BootResult> {
  const deadline = AbortSignal.timeout(inputs.deadline * 60_000);
  const timed: World = { ...world, signal: AbortSignal.any([world.signal, deadline]) };
  try {
    await installHostPackages(timed, reporter);
    const cacheDir = resolve(around.workspace, inputs["cache-dir"]);
    const buildId = inputs["build-id"];
    const options = {
      machine: inputs.machine,
      image,
      expected: buildId === undefined ? {} : { buildId },
      boots: 1,
      scratch: join(around.temporary, "home-pi-card"),
      consoleLog,
    };
    return await usingCache(cacheDir, timed, reporter, async () => {
      const tools = await ensureTools(timed, reporter, cacheDir);
      return reporter.step(`boot on ${inputs.machine}`, {}, (step) => bootImage(options, tools, timed, step));
    });
  } catch (cause) {
    if (!deadline.aborted || world.signal.aborted) throw cause;
    throw new ActionError("DEADLINE", `the boot was not over after ${inputs.deadline} minutes`, {
      fix: "see the console log for where it hangs; a slow runner needs a larger `deadline`",
      cause,
    });
  }
}
