import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { listTree, removeWhole, writeAtomically } from "../external/files.ts";
import { ProcessError } from "../external/process.ts";
import { withScratch } from "../external/scratch.ts";
import type { World } from "../external/world.ts";
import { ManifestError } from "./failure.ts";
import type { Checkpoint, HomeContent, ManifestHome } from "./home.ts";
import { GIT_TIMEOUT_MS } from "./limits.ts";
import type { ManifestChange } from "./repository/change.ts";

export interface BranchHomeOptions {
  /** What git calls the repository: a URL or a folder. */
  readonly remote: string;
  /** Folder for clones, made and removed again. */
  readonly scratch: string;
  readonly world: Pick<World, "processes" | "signal">;
  /** The way to hand git a token (GIT_CONFIG_COUNT ...): it must not be in the URL, which is shown and in argv. */
  readonly env?: Readonly<Record<string, string>>;
  readonly checkpoint?: Checkpoint;
}

const BRANCH = "manifest";
const AUTHOR = { name: "Home Pi Cluster", email: "home-pi-cluster@users.noreply.github.com" };
const ENVIRONMENT = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: AUTHOR.name,
  GIT_AUTHOR_EMAIL: AUTHOR.email,
  GIT_COMMITTER_NAME: AUTHOR.name,
  GIT_COMMITTER_EMAIL: AUTHOR.email,
};
/** A person's own settings must not change what is committed. */
const SETTINGS = ["commit.gpgSign=false", "core.hooksPath=/dev/null", "core.autocrlf=false"];

type Git = (cwd: string, argv: readonly string[], accept?: readonly number[]) => Promise<string>;

/**
 * The branch `manifest` of a git repository as the home of a manifest: one commit per change, plain pushes only.
 * Throws ManifestError HOME where the address holds a password, which everybody on the machine could read.
 */
export function branchHome(options: BranchHomeOptions): ManifestHome {
  const { remote, scratch, world, checkpoint } = options;
  const place = `the branch ${BRANCH} of ${withoutCredentials(remote)}`;
  if (/^\w+:\/\/[^/@]*:[^/@]*@/.test(remote)) {
    throw new ManifestError("HOME", `${place}: its address holds a password`, {
      fix: "leave it out; git asks its credential helper, or takes a header from GIT_CONFIG_COUNT and its like",
    });
  }
  const at = async (name: string): Promise<void> => {
    await checkpoint?.(name);
  };
  const git: Git = async (cwd, argv, accept = [0]) => {
    const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
    const result = await world.processes.run({
      argv: ["git", ...settings, ...argv],
      cwd,
      env: { ...ENVIRONMENT, ...options.env },
      timeoutMs: GIT_TIMEOUT_MS,
      signal: world.signal,
      accept,
    });
    return result.stdout;
  };
  /** The commit the branch stands at; empty where it is not there yet. */
  const head = async (): Promise<string> => {
    const found = await git("/", ["ls-remote", remote, `refs/heads/${BRANCH}`]);
    return found.split("\t")[0]?.trim() ?? "";
  };
  const moved = (): ManifestError =>
    new ManifestError("REMOTE_MOVED", `${place} was changed by another run meanwhile`, {
      fix: "run it again",
    });

  /** A work tree of the branch as it is, or an empty one where there is no branch. */
  const checkOut = async (folder: string, commit: string): Promise<void> => {
    if (commit === "") {
      await mkdir(folder, { recursive: true });
      await git(folder, ["init", "--quiet", `--initial-branch=${BRANCH}`]);
      return;
    }
    const how = ["--quiet", "--depth=1", "--single-branch", "--no-tags", `--branch=${BRANCH}`];
    await git(dirname(folder), ["clone", ...how, asUrl(remote), folder]);
    if ((await git(folder, ["rev-parse", "HEAD"])).trim() !== commit) throw moved();
  };

  const push = async (folder: string, expected: string): Promise<void> => {
    await at("before push");
    try {
      await git(folder, ["push", "--quiet", remote, `HEAD:refs/heads/${BRANCH}`]);
    } catch (error) {
      if (!(error instanceof ProcessError) || error.code === "INTERRUPTED") throw error;
      const now = await head().catch(() => expected);
      // The push took effect and its answer was lost on the way.
      if (now === (await git(folder, ["rev-parse", "HEAD"])).trim()) return;
      throw now === expected ? error : moved();
    }
    await at("behind push");
  };

  return {
    place,
    page: true,
    read: () =>
      explaining(place, async () => {
        const revision = await head();
        if (revision === "") return { files: new Map(), revision };
        return withScratch(scratch, "manifest-", async (folder) => {
          const tree = join(folder, "branch");
          await checkOut(tree, revision);
          return { files: await readTree(tree), revision };
        });
      }),
    publish: (before: HomeContent, change: ManifestChange, message: string) =>
      explaining(place, () =>
        withScratch(scratch, "manifest-", async (folder) => {
          const tree = join(folder, "branch");
          if ((await head()) !== before.revision) throw moved();
          await checkOut(tree, before.revision);
          await at("checked out");
          for (const { path, content } of change.writes) await writeAtomically(join(tree, path), content);
          for (const path of change.removes) await removeWhole(join(tree, path));
          await git(tree, ["add", "--all", "--force"]);
          await git(tree, ["commit", "--quiet", "--message", message]);
          await push(tree, before.revision);
        }),
      ),
  };
}

/** git clones a folder with hard links, and ignores --depth; as a URL it is a remote like any other. */
function asUrl(remote: string): string {
  return remote.startsWith("/") ? `file://${remote}` : remote;
}

function withoutCredentials(remote: string): string {
  return remote.replace(/^(\w+:\/\/)[^/@]*@/, "$1");
}

async function readTree(folder: string): Promise<Map<string, Uint8Array>> {
  const entries = (await listTree(folder)).filter(
    ({ kind, path }) => kind === "file" && !path.startsWith(".git/"),
  );
  const contents = entries.map(async ({ path }) => [path, await readFile(join(folder, path))] as const);
  return new Map(await Promise.all(contents));
}

async function explaining<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    if (error.code === "INTERRUPTED") throw new ManifestError("INTERRUPTED", `${place}: interrupted`);
    throw new ManifestError("HOME", `${place} cannot be read or written: ${error.message}`, {
      details: error.details.map(withoutCredentials),
      fix: "check the address, and whether you may push there",
    });
  }
}
