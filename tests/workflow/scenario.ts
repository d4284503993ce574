import { chmod, cp, lstat, mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { processes } from "../../lib/external/process.ts";
import { realWorld } from "../../lib/external/world.ts";
import { type ActResult, runAct } from "../../workbench/act.ts";
import { actBinary } from "../../workbench/act-binary.ts";
import { commitFiles, git } from "../contract/actions/repository.ts";

const root = join(import.meta.dirname, "..", "..");
const world = realWorld(new AbortController().signal);

export interface Scenario {
  /** Path of a repository whose only commit is this one's working tree. */
  readonly repository: string;
  remove(): Promise<void>;
}

/** A copy of what git would commit here now, as a repository of its own. */
export async function copyRepository(): Promise<Scenario> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "workflow-")));
  // Read by a hosted runner's user as well.
  await chmod(folder, 0o755);
  const repository = join(folder, "repository");
  await mkdir(repository);
  const listed = await processes.run({
    argv: [
      "git",
      "-c",
      `safe.directory=${root}`,
      "ls-files",
      "-z",
      "--cached",
      "--others",
      "--exclude-standard",
    ],
    cwd: root,
    timeoutMs: 60_000,
  });
  for (const path of listed.stdout.split("\0").filter((name) => name !== "")) {
    if ((await lstat(join(root, path)).catch(() => undefined)) === undefined) continue;
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await cp(join(root, path), join(repository, path), { verbatimSymlinks: true });
  }
  await git(repository, "init", "-q");
  await commitFiles(repository, {});
  return { repository, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface PullRequestOptions {
  /** Configuration variables of the repository. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Environment of every step: where the results service is. */
  readonly env?: Readonly<Record<string, string>>;
  /** Only this job and those it needs. */
  readonly job?: string;
  /** Runs its jobs as a hosted runner's user; needs root. */
  readonly asRunner?: boolean;
  readonly timeoutMs?: number;
}

/** Commits `files` as a pull request and runs the workflow for it. */
export async function openPullRequest(
  scenario: Scenario,
  files: Readonly<Record<string, string>>,
  { timeoutMs = 120_000, asRunner = false, ...options }: PullRequestOptions = {},
): Promise<ActResult> {
  await git(scenario.repository, "checkout", "-q", "-B", "change", "main");
  await commitFiles(scenario.repository, files);
  const cacheDir = join(root, "node_modules", ".cache");
  return runAct(
    {
      binary: await actBinary(cacheDir, world),
      repository: scenario.repository,
      workflow: ".github/workflows/pull-request.yml",
      event: "pull_request",
      payload: { pull_request: { number: 7, base: { ref: "main" }, head: { ref: "change" } } },
      ...options,
      ...(asRunner ? { runner: { cacheDir } } : {}),
      scratch: dirname(scenario.repository),
      timeoutMs,
    },
    world,
  );
}
