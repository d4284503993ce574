import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { assetsRoot } from "../../lib/external/assets.ts";
import { type Processes, processes } from "../../lib/external/process.ts";

/** A copy of this project that a test may change, with the command run as a person runs it. */
export interface ProjectCopy {
  readonly folder: string;
  /** Runs `./pi ARGUMENTS` in the copy; any exit code is an answer. */
  pi(args: readonly string[], more?: PiRun): Promise<PiResult>;
  /** Runs a program of the copy, named by its path there, in the same way. */
  node(program: string, args: readonly string[], more?: PiRun): Promise<PiResult>;
  remove(): Promise<void>;
}

export interface PiRun {
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the command it is given, in other surroundings. */
  readonly through?: readonly string[];
  /** Sees each line of standard error as it comes. */
  readonly onLine?: (line: string, stop: () => void) => void;
  /** Another umask than this process has, such as `027`. */
  readonly umask?: string;
}

export interface PiResult {
  readonly exitCode: number;
  readonly output: string;
  /** Titles of the steps that ran to their end, in order. */
  readonly steps: readonly string[];
}

const BUILD_MS = 30 * 60_000;
const CALLERS_UMASK = process.umask().toString(8);

/** What git knows and what is new: as a commit of the work tree would be. */
async function projectFiles(run: Processes["run"]): Promise<string[]> {
  const argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"] as const;
  const listed = await run({ argv: [...argv], cwd: assetsRoot, timeoutMs: 30_000 });
  const gone = await run({
    argv: ["git", "ls-files", "-z", "--deleted"],
    cwd: assetsRoot,
    timeoutMs: 30_000,
  });
  const missing = new Set(gone.stdout.split("\0"));
  return listed.stdout.split("\0").filter((path) => path !== "" && !missing.has(path));
}

/** `parent`: the folder the copy is made in. */
export async function copyProject(cache: string, parent: string = tmpdir()): Promise<ProjectCopy> {
  const folder = await mkdtemp(join(parent, "project-"));
  for (const path of await projectFiles(processes.run)) {
    const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const;
    await cp(join(assetsRoot, path), join(folder, path), options);
  }
  await symlink(join(assetsRoot, "node_modules"), join(folder, "node_modules"));
  return {
    folder,
    pi: (args, more = {}) => run(folder, cache, "cli/main.ts", args, more),
    node: (program, args, more = {}) => run(folder, cache, program, args, more),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function run(
  folder: string,
  cache: string,
  program: string,
  args: readonly string[],
  more: PiRun,
): Promise<PiResult> {
  const stopper = new AbortController();
  let pid: number | undefined;
  const output: string[] = [];
  const command = [...(more.through ?? []), process.execPath, join(folder, program), ...args];
  const child = processes.start(
    {
      argv: [
        // Were the test killed, the command is stopped as well.
        ...(["setpriv", "--pdeathsig", "TERM"] as const),
        ...["sh", "-c", 'umask "$1"; shift; exec "$@"', "sh", more.umask ?? CALLERS_UMASK, ...command],
      ],
      cwd: folder,
      env: { PI_CACHE: cache, CI: "true", ...more.env },
    },
    (chunk) => {
      const text = chunk.toString("utf8");
      output.push(text);
      for (const line of text.split("\n")) more.onLine?.(line, () => stopper.abort());
    },
  );
  pid = child.pid;
  // To the command alone, not to its group: what it started is its own to end.
  stopper.signal.addEventListener("abort", () => pid !== undefined && process.kill(pid, "SIGTERM"), {
    once: true,
  });
  const deadline = setTimeout(() => void child.stop(), BUILD_MS);
  const exitCode = (await child.exited) ?? -1;
  clearTimeout(deadline);
  const text = output.join("");
  const steps = [...text.matchAll(/^\[[^\]]*\] (.+?) done in /gm)].map((match) => match[1] ?? "");
  return { exitCode, output: text, steps };
}

/** Writes a file of the copy, its folders too. */
export async function put(copy: ProjectCopy, path: string, text: string): Promise<void> {
  const target = join(copy.folder, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text);
}
