import { mkdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { writeAtomically } from "../lib/external/files.ts";
import { withScratch } from "../lib/external/scratch.ts";
import type { World } from "../lib/external/world.ts";
import { parseActLog, type WorkflowRun } from "./act-log.ts";
import { openRunner, type RunnerUser } from "./runner/user.ts";

export interface ActRequest {
  readonly binary: string;
  /** A git checkout; act works in a copy of it. */
  readonly repository: string;
  /** Path of the workflow, relative to the repository. */
  readonly workflow: string;
  readonly event: string;
  /** Runs only this job and those it needs. */
  readonly job?: string;
  /** The event's payload, as GitHub sends it. */
  readonly payload: unknown;
  /** Configuration variables: `vars` in the workflow. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Environment of every step. */
  readonly env?: Readonly<Record<string, string>>;
  /** As an environment would give them, a token as GITHUB_TOKEN. Reach act as a file only this user reads. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Folders that stand for repositories whose actions are used, by `owner/name@ref`. */
  readonly actions?: Readonly<Record<string, string>>;
  /** Files of the home that the run has, by name: `.gitconfig`. */
  readonly home?: Readonly<Record<string, string>>;
  /** Where act keeps its copies and the steps their files. Must exist as long as the run. */
  readonly scratch: string;
  /**
   * Runs the jobs as the unprivileged user `runner`, who becomes root through sudo without a password, as on a hosted
   * runner; else as whoever runs this. Needs root.
   */
  readonly runner?: {
    /** Keeps sudo where the machine has none. */
    readonly cacheDir: string;
    /** What becomes the user's, to be written: a git repository that is pushed to, say. */
    readonly writes?: readonly string[];
  };
  readonly timeoutMs: number;
  /** Sees each line of act's as it comes; see readActLine. */
  readonly onLine?: (line: string) => void;
}

export interface ActResult extends WorkflowRun {
  readonly succeeded: boolean;
  readonly durationMs: number;
}

/** The runners our workflows name; host mode runs each of them on this machine, whatever it is. */
const RUNNERS = ["ubuntu-24.04", "ubuntu-24.04-arm"] as const;

/** Files in act's folder. */
const PAYLOAD = "event.json";
const SECRETS = "secrets";

function pairs(option: string, values: Readonly<Record<string, string>> | undefined): string[] {
  return Object.entries(values ?? {}).flatMap(([name, value]) => [option, `${name}=${value}`]);
}

/** A value as the file of secrets takes it: on one line, its line ends written out. */
function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

const QUEUE = ["concurrency", "queue"] as const;

/** Where act finds the workflow: it refuses `queue`, which GitHub knows, and heeds nothing of `concurrency` anyway. */
async function workflowForAct(
  { repository, workflow }: Pick<ActRequest, "repository" | "workflow">,
  folder: string,
): Promise<string> {
  const document = parseDocument(await readFile(join(repository, workflow), "utf8"));
  if (!document.hasIn(QUEUE)) return workflow;
  document.deleteIn(QUEUE);
  const copy = join(folder, basename(workflow));
  await writeAtomically(copy, document.toString());
  return copy;
}

/** Runs `work` as who the jobs run as. */
async function asUser<T>(
  request: ActRequest,
  folder: string,
  world: World,
  work: (user: RunnerUser | undefined) => Promise<T>,
): Promise<T> {
  if (request.runner === undefined) return work(undefined);
  const { cacheDir, writes = [] } = request.runner;
  return withScratch(request.scratch, "runner-", async (own) => {
    const programs = [process.execPath, request.binary];
    const reads = [join(request.repository, request.workflow)];
    const user = await openRunner({ folder: own, cacheDir, programs, reads }, world);
    for (const path of [folder, ...writes]) await user.give(path);
    return work(user);
  });
}

/**
 * Runs one workflow without GitHub and without containers. act knows nothing of triggers' filters,
 * permissions, concurrency and a job's timeout: those are tested as tables.
 */
export async function runAct(request: ActRequest, world: World): Promise<ActResult> {
  await mkdir(request.scratch, { recursive: true });
  return withScratch(request.scratch, "act-", async (folder) => {
    await writeAtomically(join(folder, PAYLOAD), JSON.stringify(request.payload));
    const entries = Object.entries(request.secrets ?? {}).map(([name, text]) => `${name}=${quoted(text)}\n`);
    await writeAtomically(join(folder, SECRETS), entries.join(""), 0o600);
    for (const [name, text] of Object.entries(request.home ?? {})) {
      await writeAtomically(join(folder, name), text);
    }
    const workflow = await workflowForAct(request, folder);
    return asUser(request, folder, world, (user) => start({ ...request, workflow }, folder, user, world));
  });
}

async function start(
  request: ActRequest,
  folder: string,
  user: RunnerUser | undefined,
  world: World,
): Promise<ActResult> {
  // Collected as they come: a build prints more than a result keeps.
  const lines: string[] = [];
  const bin = user?.bin ?? dirname(process.execPath);
  const argv = [
    user === undefined ? request.binary : join(user.bin, basename(request.binary)),
    request.event,
    ...["--eventpath", join(folder, PAYLOAD), "--workflows", request.workflow, "--json"],
    ...RUNNERS.flatMap((runner) => ["--platform", `${runner}=-self-hosted`]),
    ...(request.job === undefined ? [] : ["--job", request.job]),
    ...["--secret-file", join(folder, SECRETS)],
    ...pairs("--var", request.vars),
    ...pairs("--env", request.env),
    ...pairs("--local-repository", request.actions),
  ] as const;
  const result = await world.processes.run({
    argv: user === undefined ? argv : user.command(argv),
    cwd: request.repository,
    // A home of its own: act keeps copies of the repository and its settings there. Node comes first on PATH.
    env: {
      HOME: folder,
      XDG_CACHE_HOME: join(folder, "cache"),
      PATH: `${bin}:${process.env.PATH ?? ""}`,
      DOCKER_HOST: "",
      ...user?.env,
    },
    timeoutMs: request.timeoutMs,
    signal: world.signal,
    accept: [0, 1],
    onLine: (line) => {
      lines.push(line);
      request.onLine?.(line);
    },
  });
  const run = parseActLog(lines);
  return { ...run, succeeded: result.exitCode === 0, durationMs: result.durationMs };
}
