import { createHash } from "node:crypto";
import type { Github } from "../external/github.ts";
import type { GithubAsset, GithubRelease } from "../external/github-records.ts";
import { receiveFile } from "../external/receive-file.ts";
import { ReleaseError } from "./failure.ts";
import { asReleaseError } from "./github-errors.ts";
import type { ReleaseDetails, ReleaseStore, StoredAsset, StoredRelease } from "./store.ts";

/** Marks a draft as made by this program, so that what lies in it may be put right. Not shown by GitHub. */
export const DRAFT_MARK =
  "<!-- made by ./pi release; a draft with this line is kept in step with the build -->";

/** From so many files on, the list of releases is not trusted to hold all of a release's. */
const INLINE_ASSETS = 30;

export interface GithubStoreOptions {
  /** `OWNER/REPO`. */
  readonly repository: string;
  /** Where people and nodes download, `https://github.com`. */
  readonly serverUrl: string;
}

function storedAsset({ id, name, size, state, digest }: GithubAsset): StoredAsset {
  const sha256 = /^sha256:([0-9a-f]{64})$/i.exec(digest ?? "")?.[1]?.toLowerCase();
  // `open` and whatever may come are not finished either.
  const finished = state === "uploaded";
  return { id: String(id), name, bytes: size, sha256, state: finished ? "uploaded" : "starter" };
}

function storedRelease(release: GithubRelease, assets: readonly GithubAsset[]): StoredRelease {
  return {
    id: String(release.id),
    tag: release.tag_name,
    draft: release.draft,
    assets: assets.map(storedAsset),
    ...(release.draft && !(release.body ?? "").includes(DRAFT_MARK) ? { foreign: true } : {}),
    ...(release.immutable === true ? { immutable: true } : {}),
  };
}

/** Releases of a GitHub repository. Throws ReleaseError; see asReleaseError for which. */
export function githubStore(github: Github, options: GithubStoreOptions): ReleaseStore {
  const place = `github.com/${options.repository}`;
  const fail = (doing: string) => (error: unknown) => {
    throw asReleaseError(error, doing, place);
  };
  const uploadUrls = new Map<string, string>();
  const full = async (release: GithubRelease): Promise<StoredRelease> => {
    uploadUrls.set(String(release.id), release.upload_url);
    const inline = !release.draft && release.assets.length < INLINE_ASSETS;
    return storedRelease(release, inline ? release.assets : await github.assets(release.id));
  };
  return {
    place,
    exclusively: (_onWait, work) => work(),
    urlOf: (tag, name) => `${options.serverUrl}/${options.repository}/releases/download/${tag}/${name}`,
    releases: async () => {
      const all = await github.releases().catch(fail("listing the releases"));
      const found: StoredRelease[] = [];
      for (const release of all) found.push(await full(release).catch(fail("listing the files")));
      return found;
    },
    createDraft: async (details) => {
      await requireTag(github, details).catch(fail("looking at the tag"));
      const fields = releaseFields(details, true);
      const made = await github.createRelease(fields).catch(fail(`creating a draft of ${details.tag}`));
      uploadUrls.set(String(made.id), made.upload_url);
      return storedRelease(made, []);
    },
    upload: async (release, { name, path, bytes, sha256 }, onBytes) => {
      const doing = `uploading ${name}`;
      const upload_url = uploadUrls.get(release.id);
      if (upload_url === undefined) throw new Error(`release ${release.id} was not listed before`);
      const file = { path, bytes, sha256 };
      const asset = await github.upload({ upload_url }, name, file, onBytes).catch(fail(doing));
      if (asset.name !== name) {
        throw new ReleaseError("NAME", `${place} keeps ${name} under another name, ${asset.name}`, {
          fix: "name the cluster and its profiles with letters, digits and '-' only",
        });
      }
      return storedAsset(asset);
    },
    remove: async (_release, asset) => {
      await github.deleteAsset(Number(asset.id)).catch((error: unknown) => {
        const failed = asReleaseError(error, `removing ${asset.name}`, place);
        // Gone is what was wanted: the answer to an earlier try may have been lost.
        if (!(failed instanceof ReleaseError && failed.code === "NOT_FOUND")) throw failed;
      });
    },
    digestOf: async (_release, asset) => {
      const hash = createHash("sha256");
      const download = github.download(Number(asset.id), (chunk) => void hash.update(chunk));
      await download.catch(fail(`reading ${asset.name} back`));
      return hash.digest("hex");
    },
    publish: async (release, details, latest) => {
      await requireTag(github, details).catch(fail("looking at the tag"));
      // "legacy" and the default would go by dates: an old version's fix would become the latest.
      const fields = { ...releaseFields(details, false), make_latest: latest ? "true" : "false" } as const;
      const done = await github
        .updateRelease(Number(release.id), fields)
        .catch(fail(`publishing ${details.tag}`));
      return full(done).catch(fail("listing the files"));
    },
    fetch: async (release, wanted, path) => {
      const asset = release.assets.find(({ name }) => name === wanted.name);
      if (asset === undefined) {
        throw new ReleaseError("NOT_FOUND", `${release.tag} in ${place} has no file ${wanted.name}`);
      }
      await receiveFile(path, wanted, (onData) => github.download(Number(asset.id), onData)).catch(
        fail(`fetching ${wanted.name}`),
      );
    },
  };
}

function releaseFields(details: ReleaseDetails, draft: boolean) {
  const { tag, commit, title, notes, prerelease } = details;
  const body = `${notes.trimEnd()}\n\n${DRAFT_MARK}\n`;
  return { tag_name: tag, target_commitish: commit, name: title, body, draft, prerelease };
}

/** A tag that was moved after the build would publish images of another commit. */
export async function requireTag(
  github: Pick<Github, "commitOfTag">,
  { tag, commit }: Pick<ReleaseDetails, "tag" | "commit">,
): Promise<void> {
  const found = await github.commitOfTag(tag);
  // GitHub makes a missing tag when it publishes, on the commit it is told.
  if (found === undefined || found === commit) return;
  throw new ReleaseError("CONFLICT", `the tag ${tag} stands on ${found}, the images are of ${commit}`, {
    fix: `move the tag back, or release ${found.slice(0, 12)} under a new version`,
  });
}
