import { cp, lstat, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { World } from "../../lib/external/world.ts";

/** Equal content gives an equal commit: a tag of it stays the same from run to run. */
const MOMENT = "2026-01-01T00:00:00Z";
const GIT_MS = 60_000;

const AUTHOR = {
  ...{ GIT_AUTHOR_NAME: "workbench", GIT_AUTHOR_EMAIL: "workbench@localhost", GIT_AUTHOR_DATE: MOMENT },
  ...{ GIT_COMMITTER_NAME: "workbench", GIT_COMMITTER_EMAIL: "workbench@localhost" },
  GIT_COMMITTER_DATE: MOMENT,
  // Nobody's settings: no signing, no hooks, no other line ends.
  ...{ GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
};

export async function git(world: World, cwd: string, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await world.processes.run({
    argv: ["git", "-c", "init.defaultBranch=main", "-c", `safe.directory=${cwd}`, ...argv],
    ...{ cwd, env: AUTHOR, timeoutMs: GIT_MS, signal: world.signal },
  });
  return stdout.trim();
}

/** What git would commit of a checkout now: what it knows and what is new, but for what was deleted. */
async function filesOf(world: World, checkout: string): Promise<string[]> {
  const listed = await git(world, checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard");
  const paths = [...new Set(listed.split("\0"))].filter((path) => path !== "");
  const there = await Promise.all(
    paths.map((path) => lstat(join(checkout, path)).then(Boolean, () => false)),
  );
  return paths.filter((_, at) => there[at]);
}

async function empty(repository: string): Promise<void> {
  for (const name of await readdir(repository)) {
    if (name !== ".git") await rm(join(repository, name), { recursive: true });
  }
}

async function commit(
  world: World,
  repository: string,
  more: Readonly<Record<string, string>>,
): Promise<string> {
  for (const [path, text] of Object.entries(more)) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), text);
  }
  await git(world, repository, "add", "--all", "--force");
  await git(world, repository, "commit", "--quiet", "--allow-empty", "--message=As it is");
  return git(world, repository, "rev-parse", "HEAD");
}

export interface CopyRequest {
  /** A checkout of git's. */
  readonly checkout: string;
  /** Where the copy goes: not there yet. */
  readonly repository: string;
  /** Files in place of the checkout's, by path. */
  readonly more: Readonly<Record<string, string>>;
  /** What the branch `main` of the copy holds: this commit of the checkout; else what lies there now. */
  readonly base?: string;
}

/**
 * A checkout, uncommitted work included, as a repository of its own: one commit on `main`, or with `base` a second
 * one on the branch `change`. Returns the commit checked out.
 */
export async function copyCheckout(
  { checkout, repository, more, base }: CopyRequest,
  world: World,
): Promise<string> {
  await mkdir(repository, { recursive: true });
  await git(world, repository, "init", "--quiet");
  if (base !== undefined) {
    const archive = join(dirname(repository), "base.tar");
    await git(world, checkout, "archive", "--format=tar", `--output=${archive}`, base);
    await world.processes.run({
      argv: ["tar", "--extract", `--file=${archive}`, `--directory=${repository}`],
      timeoutMs: GIT_MS,
    });
    await rm(archive);
    await commit(world, repository, more);
    await git(world, repository, "checkout", "--quiet", "-b", "change");
    await empty(repository);
  }
  for (const path of await filesOf(world, checkout)) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await cp(join(checkout, path), join(repository, path), { verbatimSymlinks: true });
  }
  return commit(world, repository, more);
}
