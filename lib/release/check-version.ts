import type { Github } from "../external/github.ts";
import { chooseVersion, type VersionQuestion } from "./choose-version.ts";
import { ReleaseError } from "./failure.ts";
import { requireTag } from "./github-store.ts";

export interface VersionCheck extends Pick<VersionQuestion, "backport" | "sayBackport"> {
  readonly wanted: string;
  /** The commit that is to be released, 40 hex digits. */
  readonly commit: string;
}

/**
 * Refuses before the builds what publishing would refuse after them: a version below what its channel offers, or one
 * that is another commit's. Reads only. Throws ReleaseError VERSION, CONFLICT; GithubError where GitHub cannot be asked.
 */
export async function checkVersion(
  { commit, ...asked }: VersionCheck,
  github: Pick<Github, "releases" | "commitOfTag">,
): Promise<void> {
  const releases = await github.releases();
  const tags = releases.filter(({ draft }) => !draft).map(({ tag_name }) => tag_name);
  const { version, published } = chooseVersion({ ...asked, headTags: [], published: tags });
  const { tag } = version;
  if (!published) return requireTag(github, { tag, commit });
  const found = await github.commitOfTag(tag);
  if (found === undefined || found === commit) return;
  throw new ReleaseError("CONFLICT", `${tag} is published already, from commit ${found}`, {
    details: [`this run is for ${commit}`],
    fix: "a published release is never changed: release this commit under the next version",
  });
}
