import { openGithub } from "../../lib/external/github.ts";
import { GithubError } from "../../lib/external/github-failure.ts";
import type { World } from "../../lib/external/world.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { checkVersion } from "../../lib/release/check-version.ts";
import { CALL_LIMITS } from "../../lib/release/limits.ts";
import { backportOf } from "../runner/backport.ts";
import { type GithubContext, isToken } from "../runner/github.ts";
import type { Inputs } from "./interface.ts";

/** Longer than its calls and their repetitions take where GitHub answers at all. */
const PATIENCE_MS = 60_000;

/**
 * Holds the version against what is published, before hours of builds. A convenience: where GitHub cannot be asked, it
 * says so, and the job that publishes does it. Throws ReleaseError VERSION, CONFLICT.
 */
export async function compareWithPublished(
  { version: wanted, token, backport }: Pick<Inputs, "version" | "token" | "backport">,
  context: Pick<GithubContext, "owner" | "repo" | "apiUrl" | "sha"> | undefined,
  world: World,
  reporter: Pick<Reporter, "info">,
): Promise<void> {
  if (wanted === undefined) return;
  const skip = (why: string): void =>
    reporter.info(`${wanted} is compared with what is published only when it is published itself: ${why}`);
  if (context === undefined) return skip("GITHUB_REPOSITORY names no repository");
  if (!isToken(token)) return skip("there is no token");
  const { owner, repo, apiUrl, sha: commit } = context;
  const signal = AbortSignal.any([world.signal, AbortSignal.timeout(PATIENCE_MS)]);
  const limits = { limits: CALL_LIMITS, transferLimits: CALL_LIMITS };
  const github = openGithub({ owner, repo, token, apiUrl, ...limits }, { ...world, signal });
  try {
    await checkVersion({ wanted, commit, ...backportOf({ backport }) }, github);
  } catch (error) {
    if (!(error instanceof GithubError) || world.signal.aborted) throw error;
    skip(error.message);
  }
}
