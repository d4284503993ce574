import { ProcessError } from "../external/process.ts";
import type { World } from "../external/world.ts";
import { ReleaseError } from "./failure.ts";
import { timeouts } from "./limits.ts";

/** What git says of the work tree a release is made from. */
export interface SourceState {
  /** Commit of HEAD, 40 hex digits. */
  readonly commit: string;
  /** Tags that stand on HEAD. */
  readonly tags: readonly string[];
  /** Paths that differ from HEAD or are not committed, as git names them. */
  readonly dirty: readonly string[];
}

/** Reads the work tree at `project`. Throws ReleaseError TREE where it is none, or has no commit yet. */
export async function readSourceState(project: string, world: World): Promise<SourceState> {
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await world.processes.run({
      // The folder may be a user's, and we root under sudo: git would refuse it.
      argv: ["git", "-C", project, "-c", `safe.directory=${project}`, ...args],
      timeoutMs: timeouts.short,
      signal: world.signal,
    });
    return stdout.trimEnd();
  };
  const lines = (text: string): string[] => (text === "" ? [] : text.split("\n"));
  try {
    const commit = await git("rev-parse", "--verify", "HEAD^{commit}");
    const tags = lines(await git("tag", "--points-at", "HEAD"));
    const dirty = lines(await git("status", "--porcelain")).map((line) => line.slice(3));
    return { commit, tags, dirty };
  } catch (cause) {
    if (cause instanceof ProcessError && cause.code === "INTERRUPTED") throw cause;
    throw new ReleaseError("TREE", `${project} is not a git work tree with a commit`, {
      fix: "a release names the commit it is made from: use a clone of the project",
      cause,
    });
  }
}

const SHOWN = 5;

/** Throws ReleaseError TREE where the work tree has changes no commit holds. */
export function refuseDirty(state: SourceState): void {
  if (state.dirty.length === 0) return;
  const more = state.dirty.length > SHOWN ? [`and ${state.dirty.length - SHOWN} more`] : [];
  throw new ReleaseError("TREE", "the work tree has changes that are in no commit", {
    details: [...state.dirty.slice(0, SHOWN), ...more],
    fix: "commit or stash them, or release what lies there with --allow-dirty",
  });
}
