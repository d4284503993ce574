import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs one command line as a person would, in a folder. Resolves with what it printed; rejects where it fails. */
export async function shell(command: string, cwd: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run("sh", ["-c", command], { cwd, env: { ...process.env, ...env } });
  return stdout;
}

export async function succeeds(
  command: string,
  cwd: string,
  env: Record<string, string> = {},
): Promise<boolean> {
  return shell(command, cwd, env).then(
    () => true,
    () => false,
  );
}

/**
 * Which of many versions of a file the command takes, as their indexes. Each version is written under a number, and
 * `$f` in the command is it; two of them run at a time.
 */
export async function takenOf(
  versions: readonly Uint8Array[],
  command: string,
  cwd: string,
): Promise<number[]> {
  await Promise.all(versions.map((version, at) => writeFile(join(cwd, `v${at}`), version)));
  const loop = `for f; do if ${command} >/dev/null 2>&1; then echo "$f"; fi; done`;
  const names = versions.map((_, at) => `v${at}`).join(" ");
  const said = await shell(`echo ${names} | xargs -n 60 -P 2 sh -c '${loop}' sh`, cwd);
  return [...said.matchAll(/^v(\d+)$/gm)].map((match) => Number(match[1])).sort((a, b) => a - b);
}

/** The bytes with one bit of each byte turned over, one after another; the bit is chosen by `bitAt`. */
export function flips(bytes: Uint8Array, bitAt: (position: number) => number): Uint8Array[] {
  return Array.from(bytes, (byte, at) => {
    const changed = Uint8Array.from(bytes);
    changed[at] = byte ^ (1 << bitAt(at));
    return changed;
  });
}
