import { mkdir } from "node:fs/promises";
import prettyBytes from "pretty-bytes";
import { exists, removeWhole, roomAt } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { forgetDeadBinaries } from "../../lib/image/binfmt.ts";
import { tidyCache, usingCache } from "../../lib/image/cache-use.ts";
import { diskNeeded, hasTools, preflight } from "../../lib/image/preflight.ts";
import { provisionerNamed } from "../../lib/image/provision/choose.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import { markdownTable } from "../../lib/progress/markdown.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { ActionError } from "../runner/failure.ts";
import { installHostPackages } from "../runner/host-packages.ts";
import { addSummary, writeOutputs } from "../runner/outputs.ts";
import { planFreeing, type Removable, removable } from "./free-disk.ts";
import { type Inputs, outputs } from "./interface.ts";

const GIB = 2 ** 30;
const gib = (bytes: number): string => prettyBytes(bytes, { binary: true });

/** Makes the machine ready to build: disk, packages, tools, packer. Throws ActionError DISK, ImageError. Needs root. */
export async function run(inputs: Inputs, cacheDir: string, world: World, reporter: Reporter): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  const removed = await makeRoom(inputs["free-disk"] * GIB, cacheDir, world, reporter);
  await installHostPackages(world, reporter);
  // Whether arm64 programs can run is seen here, in seconds; each build registers its own interpreter.
  await preflight({ world, cacheDir, warn: (text) => reporter.warn(text) });
  const tools = await usingCache(cacheDir, world, reporter, async () => {
    await provisionerNamed(inputs.builder, cacheDir, world, reporter);
    return ensureTools(world, reporter, cacheDir);
  });
  const { freeBytes } = await roomAt(cacheDir);
  writeOutputs(outputs, { "free-bytes": String(freeBytes), tools: tools.digest });
  const rows = [
    ["builder", inputs.builder],
    ["tools", tools.digest.slice(0, 12)],
    ["free disk", prettyBytes(freeBytes)],
    ["removed to make room", removed.length === 0 ? "nothing" : removed.join(", ")],
  ];
  await addSummary(`### Builder\n\n${markdownTable(["", ""], rows)}`);
}

async function makeRoom(
  wantedBytes: number,
  cacheDir: string,
  world: World,
  reporter: Reporter,
): Promise<readonly string[]> {
  // Gigabytes that belong to nobody are not missing.
  await tidyCache(cacheDir, world);
  // The same as a build is refused for: what builds without this action builds with it.
  const neededBytes = diskNeeded(await hasTools(cacheDir));
  const hosted = process.env.RUNNER_ENVIRONMENT === "github-hosted";
  const there: Removable[] = [];
  for (const one of removable) if (await exists(one.path)) there.push(one);
  const removed: string[] = [];
  for (;;) {
    world.signal.throwIfAborted();
    const { freeBytes } = await roomAt(cacheDir);
    const left = there.filter(({ path }) => !removed.includes(path));
    const next = planFreeing({ freeBytes, wantedBytes, neededBytes, hosted, left });
    if (next === "enough") return removed;
    const free = `${gib(freeBytes)} are free at ${cacheDir}`;
    if (next === "short") {
      reporter.info(
        `${free}, ${gib(wantedBytes)} are wanted: there is nothing to remove, and enough to build`,
      );
      return removed;
    }
    if (next === "impossible") {
      throw new ActionError("DISK", `${free}, a build needs ${gib(neededBytes)}`, {
        fix: "take a runner with a larger disk, or name a folder on one: cache-dir",
      });
    }
    await reporter.step(`remove ${next.what} (${next.path})`, {}, () => removeWhole(next.path));
    removed.push(next.path);
  }
}

/**
 * Behind the job: removes what a step that was killed left, which is half made files in the cache and the
 * interpreter it registered. Mounts and loop devices go with the processes that had them.
 */
export async function clean(cacheDir: string, world: World, reporter: Reporter): Promise<void> {
  await forgetDeadBinaries(world);
  if (!(await exists(cacheDir))) return;
  await tidyCache(cacheDir, world);
  reporter.info(`nothing half made is left in ${cacheDir}`);
}
