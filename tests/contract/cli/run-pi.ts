import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

export const repository = resolve(import.meta.dirname, "../../..");
export const main = join(repository, "cli/main.ts");

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cacheDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the command is started through: `setpriv ...`, `unshare ...`. */
  readonly through?: readonly string[];
}

/** Runs a command of `./pi` as a person would, without what `pi` itself does before. */
export function pi(argv: readonly string[], around: Surroundings): Answer {
  const [file = "", ...rest] = [...(around.through ?? []), process.execPath, main, ...argv];
  const done = spawnSync(file, rest, {
    cwd: around.cwd ?? repository,
    env: {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: around.cacheDir,
      PI_CACHE: join(around.cacheDir, "cache"),
      ...around.env,
    },
    encoding: "utf8",
    timeout: 30_000,
  });
  if (done.error !== undefined) throw done.error;
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}
