import { type FakeAsset, type FakeRelease, type FakeRepository, sha1 } from "./repository.ts";

/** Addresses this fake is reached at, without a slash at the end. */
export interface FakeAddresses {
  readonly api: string;
  readonly uploads: string;
  readonly storage: string;
}

const MOMENT = "2026-01-01T00:00:00Z";

const user = {
  ...{ login: "github-actions[bot]", id: 41898282, node_id: "MDM6Qm90NDE4OTgyODI=", gravatar_id: "" },
  ...Object.fromEntries(
    [
      ...["avatar_url", "url", "html_url", "followers_url", "following_url", "gists_url", "starred_url"],
      ...["subscriptions_url", "organizations_url", "repos_url", "events_url", "received_events_url"],
    ].map((key) => [key, `https://api.github.example/${key}`]),
  ),
  ...{ type: "Bot", site_admin: false },
};

/** An asset as the API describes it. */
export function assetRecord(
  { owner, repo }: FakeRepository,
  release: FakeRelease,
  asset: FakeAsset,
  { api }: FakeAddresses,
) {
  const tag = release.draft ? "untagged-0123456789abcdef" : release.tag;
  return {
    url: `${api}/repos/${owner}/${repo}/releases/assets/${asset.id}`,
    id: asset.id,
    node_id: `RA_${asset.id}`,
    name: asset.name,
    label: "",
    uploader: user,
    content_type: "application/octet-stream",
    state: asset.state,
    size: asset.bytes,
    digest: asset.digestTold && asset.state === "uploaded" ? `sha256:${asset.sha256}` : null,
    download_count: 0,
    created_at: MOMENT,
    updated_at: MOMENT,
    browser_download_url: `https://github.example/${owner}/${repo}/releases/download/${tag}/${asset.name}`,
  };
}

/** A release as the API describes it. */
export function releaseRecord(repository: FakeRepository, release: FakeRelease, addresses: FakeAddresses) {
  const { owner, repo } = repository;
  const path = `/repos/${owner}/${repo}/releases/${release.id}`;
  return {
    url: `${addresses.api}${path}`,
    assets_url: `${addresses.api}${path}/assets`,
    upload_url: `${addresses.uploads}${path}/assets{?name,label}`,
    html_url: `https://github.example/${owner}/${repo}/releases/tag/${release.tag}`,
    id: release.id,
    author: user,
    node_id: `RE_${release.id}`,
    tag_name: release.tag,
    target_commitish: release.target,
    name: release.name,
    draft: release.draft,
    immutable: release.immutable,
    prerelease: release.prerelease,
    created_at: MOMENT,
    updated_at: MOMENT,
    published_at: release.draft ? null : MOMENT,
    assets: release.assets.map((asset) => assetRecord(repository, release, asset, addresses)),
    tarball_url: null,
    zipball_url: null,
    body: release.body,
  };
}

/** What `git/ref/tags/<tag>` says; an annotated tag points at an object of its own. */
export function refRecord(tag: string, target: { readonly commit: string; readonly annotated: boolean }) {
  const object = target.annotated ? { type: "tag", sha: sha1(tag) } : { type: "commit", sha: target.commit };
  return {
    ref: `refs/tags/${tag}`,
    node_id: "REF_1",
    url: `https://api.github.example/git/refs/tags/${tag}`,
    object: { ...object, url: `https://api.github.example/git/${object.type}s/${object.sha}` },
  };
}

export function tagRecord(tag: string, commit: string) {
  return {
    node_id: "TA_1",
    tag,
    sha: sha1(tag),
    url: `https://api.github.example/git/tags/${sha1(tag)}`,
    message: tag,
    tagger: { name: "a", email: "a@example.org", date: MOMENT },
    object: { type: "commit", sha: commit, url: `https://api.github.example/git/commits/${commit}` },
  };
}

export const errorRecord = (message: string, ...codes: readonly string[]) => ({
  message,
  documentation_url: "https://docs.github.com/rest",
  ...(codes.length === 0
    ? {}
    : { errors: codes.map((code) => ({ resource: "ReleaseAsset", code, field: "name" })) }),
});
