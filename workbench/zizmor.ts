import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../lib/external/files.ts";
import type { World } from "../lib/external/world.ts";
import { pipEnvironment, WorkbenchError } from "./act-binary.ts";

const VERSION = "1.32.0";

/** Path of zizmor, which audits workflows, fetched once with pip into `cacheDir`. Throws WorkbenchError TOOL. */
export async function zizmorBinary(cacheDir: string, world: World): Promise<string> {
  const folder = join(cacheDir, `zizmor-${VERSION}`);
  const binary = join(folder, "bin", "zizmor");
  if (await exists(binary)) return binary;
  await mkdir(folder, { recursive: true });
  const choice = ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", folder];
  try {
    await world.processes.run({
      argv: ["python3", "-m", "pip", "install", ...choice, `zizmor==${VERSION}`],
      env: pipEnvironment(),
      timeoutMs: 180_000,
      signal: world.signal,
    });
  } catch (cause) {
    throw new WorkbenchError("TOOL", `zizmor ${VERSION} could not be fetched with pip`, {
      fix: "sudo apt install python3-pip, and see whether pip reaches its index",
      cause,
    });
  }
  return binary;
}
