import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { withScratch } from "../../lib/external/scratch.ts";
import type { World } from "../../lib/external/world.ts";
import { ActionError } from "../runner/failure.ts";

/** Where the same project lies in another state of its repository. */
export interface Earlier {
  /** Root of the repository in that state. */
  readonly root: string;
  /** The definition file in it, which need not exist. */
  readonly definition: string;
  /** The commit, in full; undefined where it is another checkout. */
  readonly commit: string | undefined;
}

export interface EarlierRequest {
  /** A git ref, or a folder: then it starts with `/` or `.`. */
  readonly since: string;
  /** Absolute path of the definition file as it is now. */
  readonly definition: string;
  /** Folder for what is written meanwhile. */
  readonly scratch: string;
}

const GIT_TIMEOUT_MS = 120_000;

/** Root of the git checkout `folder` lies in, links resolved; undefined where there is none. */
export async function checkoutRoot(folder: string, world: World): Promise<string | undefined> {
  const result = await git(["rev-parse", "--show-toplevel"], folder, world, {}, [0, 128]);
  return result.exitCode === 0 ? realpath(result.stdout.trim()) : undefined;
}

/**
 * Runs `work` on an earlier state of the repository the definition is in: the other checkout that is named,
 * or the files of a commit, written out for the time of `work`. The checkout itself and its index stay as
 * they are. Throws ActionError CHECKOUT where there is no such folder, checkout or commit.
 */
export async function withEarlier<T>(
  request: EarlierRequest,
  world: World,
  work: (earlier: Earlier) => Promise<T>,
): Promise<T> {
  const project = dirname(request.definition);
  const root = await checkoutRoot(project, world);
  if (root === undefined) {
    throw new ActionError("CHECKOUT", `${project} is not in a git checkout, so nothing can be compared`, {
      fix: "run actions/checkout before this action, or leave `affected-since` out",
    });
  }
  const prefix = (await git(["rev-parse", "--show-prefix"], project, world)).stdout.trim();
  const inRepository = join(prefix, basename(request.definition));
  if (/^[./]/.test(request.since)) {
    const other = await otherCheckout(request.since);
    return work({ root: other, definition: join(other, inRepository), commit: undefined });
  }
  const commit = await commitOf(request.since, root, world);
  return withScratch(request.scratch, "earlier-", async (folder) => {
    const tree = join(folder, "tree");
    const index = { GIT_INDEX_FILE: join(folder, "index") };
    await git(["read-tree", commit], root, world, index);
    await git(["checkout-index", "--all", `--prefix=${tree}/`], root, world, index);
    return work({ root: tree, definition: join(tree, inRepository), commit });
  });
}

async function otherCheckout(since: string): Promise<string> {
  const folder = resolve(since);
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) return realpath(folder);
  throw new ActionError("CHECKOUT", `input \`affected-since\`: there is no folder ${folder}`, {
    fix: "check the other state out to that path first, or name a git ref",
  });
}

async function commitOf(ref: string, root: string, world: World): Promise<string> {
  const argv = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`] as const;
  const result = await git(argv, root, world, {}, [0, 1, 128]);
  if (result.exitCode === 0) return result.stdout.trim();
  throw new ActionError("CHECKOUT", `input \`affected-since\`: ${ref} is not in this checkout`, {
    fix: "set `fetch-depth: 2` (for HEAD^1) or `fetch-depth: 0` (for any ref) in actions/checkout",
  });
}

function git(
  argv: readonly string[],
  cwd: string,
  world: World,
  env: Readonly<Record<string, string>> = {},
  accept: readonly number[] = [0],
) {
  return world.processes.run({
    argv: ["git", ...argv],
    cwd,
    env,
    accept,
    timeoutMs: GIT_TIMEOUT_MS,
    signal: world.signal,
  });
}
