import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PackerError } from "./failure.ts";
import { HINTS } from "./hints.ts";

const REGISTRY = "/proc/sys/fs/binfmt_misc";
/** The ELF header of an arm64 program, as the kernel prints an entry's magic. */
const ARM64 = "magic 7f454c460201010000000000000000000200b700";

/** The interpreter an entry of the kernel's registry names, if it is for arm64 programs and enabled. */
export function interpreterIn(entry: string): string | undefined {
  const lines = entry.split("\n");
  if (lines[0] !== "enabled" || !lines.includes(ARM64)) return undefined;
  return lines.find((line) => line.startsWith("interpreter "))?.slice("interpreter ".length);
}

/**
 * Path under which some interpreter for arm64 programs is registered. The arm plugin wants to see that very
 * file where it runs. Throws PackerError BINFMT where none is.
 */
export async function registeredInterpreter(registry: string = REGISTRY): Promise<string> {
  const names = (await readdir(registry).catch(() => [])).sort();
  for (const name of names) {
    const entry = await readFile(join(registry, name), "utf8").catch(() => "");
    const interpreter = interpreterIn(entry);
    if (interpreter !== undefined) return interpreter;
  }
  throw new PackerError("BINFMT", `no interpreter for arm64 programs is registered in ${registry}`, {
    fix: HINTS.BINFMT,
  });
}
