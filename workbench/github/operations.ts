import type { OperationName } from "./faults.ts";
import { PIPELINE_ROUTES, performPipeline } from "./pipeline.ts";
import {
  assetRecord,
  errorRecord,
  type FakeAddresses,
  refRecord,
  releaseRecord,
  tagRecord,
} from "./records.ts";
import {
  addAsset,
  type FakeAsset,
  type FakeRelease,
  type FakeRepository,
  seedRelease,
  sha1,
} from "./repository.ts";

export interface Ask {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Whether the request carries a token that may write. */
  readonly writes: boolean;
  readonly accept: string;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Place {
  readonly repository: FakeRepository;
  readonly addresses: FakeAddresses;
}

interface ReleaseFields {
  readonly tag_name?: string;
  readonly target_commitish?: string;
  readonly name?: string;
  readonly body?: string;
  readonly draft?: boolean;
  readonly prerelease?: boolean;
  readonly make_latest?: "true" | "false" | "legacy";
}

export interface Route {
  readonly operation: OperationName;
  readonly method: string;
  readonly template: string;
}

const RELEASES = "/repos/{owner}/{repo}/releases";

/** What of the API this fake speaks. */
export const ROUTES: readonly Route[] = [
  { operation: "list", method: "GET", template: RELEASES },
  { operation: "create", method: "POST", template: RELEASES },
  { operation: "release", method: "GET", template: `${RELEASES}/tags/{tag}` },
  { operation: "publish", method: "PATCH", template: `${RELEASES}/{release_id}` },
  { operation: "assets", method: "GET", template: `${RELEASES}/{release_id}/assets` },
  { operation: "upload", method: "POST", template: `${RELEASES}/{release_id}/assets` },
  { operation: "download", method: "GET", template: `${RELEASES}/assets/{asset_id}` },
  { operation: "delete", method: "DELETE", template: `${RELEASES}/assets/{asset_id}` },
  { operation: "ref", method: "GET", template: "/repos/{owner}/{repo}/git/ref/{ref}" },
  ...PIPELINE_ROUTES,
  { operation: "tag", method: "GET", template: "/repos/{owner}/{repo}/git/tags/{tag_sha}" },
];

const missing: Reply = { status: 404, body: errorRecord("Not Found") };
const invalid = (code: string): Reply => ({ status: 422, body: errorRecord("Validation Failed", code) });

/** Does what a request without a file asks for. */
export function perform(operation: OperationName, ask: Ask, place: Place): Reply {
  const { repository, addresses } = place;
  const { params } = ask;
  const shown = repository.releases.filter(({ draft }) => ask.writes || !draft);
  const release = shown.find(({ id }) => id === Number(params.release_id));
  const record = (one: FakeRelease) => releaseRecord(repository, one, addresses);
  const writing = ["create", "publish", "delete"].includes(operation);
  if (writing && !ask.writes) return missing;
  switch (operation) {
    case "list":
      return paged(shown, ask, place, (one) => record(one));
    case "create":
      return createRelease(ask.body as ReleaseFields, place);
    case "release": {
      const found = repository.releases.find(({ tag, draft }) => !draft && tag === params.tag);
      return found === undefined ? missing : { status: 200, body: record(found) };
    }
    case "publish":
      return release === undefined ? missing : updateRelease(release, ask.body as ReleaseFields, place);
    case "assets": {
      if (release === undefined) return missing;
      return paged(release.assets, ask, place, (asset) => assetRecord(repository, release, asset, addresses));
    }
    case "download":
      return withAsset(shown, params, (of, asset) => ({
        status: ask.accept === "application/octet-stream" ? 302 : 200,
        ...(ask.accept === "application/octet-stream"
          ? { headers: { location: `${addresses.storage}/${asset.id}?signature=secret-of-storage` } }
          : { body: assetRecord(repository, of, asset, addresses) }),
      }));
    case "delete":
      return withAsset(shown, params, (of, asset) => {
        if (of.immutable) return invalid("immutable");
        of.assets.splice(of.assets.indexOf(asset), 1);
        return { status: 204 };
      });
    case "ref": {
      const tag = params.ref?.replace(/^tags\//, "") ?? "";
      const target = repository.tags.get(tag);
      return target === undefined ? missing : { status: 200, body: refRecord(tag, target) };
    }
    case "tag": {
      const found = [...repository.tags].find(([tag]) => sha1(tag) === params.tag_sha);
      return found === undefined ? missing : { status: 200, body: tagRecord(found[0], found[1].commit) };
    }
    case "attest":
    case "dispatch":
    case "enable":
    case "run":
    case "setting":
      return performPipeline(operation, ask, repository);
    case "upload":
      throw new Error("files are taken elsewhere");
  }
}

/** One page, and where the next one is: GitHub's clients follow that header. */
function paged<T>(
  all: readonly T[],
  { query, path }: Ask,
  { addresses }: Place,
  record: (one: T) => unknown,
): Reply {
  const size = Number(query.per_page ?? 30);
  const number = Number(query.page ?? 1);
  const body = all.slice((number - 1) * size, number * size).map(record);
  if (all.length <= number * size) return { status: 200, body };
  const next = `${addresses.api}${path}?per_page=${size}&page=${number + 1}`;
  return { status: 200, body, headers: { link: `<${next}>; rel="next"` } };
}

function withAsset(
  releases: readonly FakeRelease[],
  params: Ask["params"],
  then: (release: FakeRelease, asset: FakeAsset) => Reply,
): Reply {
  const id = Number(params.asset_id);
  const release = releases.find(({ assets }) => assets.some((asset) => asset.id === id));
  const asset = release?.assets.find((one) => one.id === id);
  return release === undefined || asset === undefined ? missing : then(release, asset);
}

function createRelease(fields: ReleaseFields, { repository, addresses }: Place): Reply {
  const tag = fields.tag_name ?? "";
  const taken = repository.releases.some((one) => !one.draft && one.tag === tag);
  // A second draft of a tag is let in; a second published release is not.
  if (taken) return invalid("already_exists");
  const made = seedRelease(repository, { tag, draft: true });
  const status = updateRelease(
    made,
    { ...fields, draft: fields.draft ?? false },
    { repository, addresses },
  ).status;
  return { status: status === 200 ? 201 : status, body: releaseRecord(repository, made, addresses) };
}

function updateRelease(release: FakeRelease, fields: ReleaseFields, { repository, addresses }: Place): Reply {
  const publishes = release.draft && fields.draft === false;
  if (release.immutable && fields.tag_name !== undefined && fields.tag_name !== release.tag) {
    return invalid("immutable");
  }
  release.tag = fields.tag_name ?? release.tag;
  release.target = fields.target_commitish ?? release.target;
  release.name = fields.name ?? release.name;
  release.body = fields.body ?? release.body;
  release.prerelease = fields.prerelease ?? release.prerelease;
  release.draft = fields.draft ?? release.draft;
  if (publishes) {
    release.immutable = repository.immutableReleases;
    const commit = /^[0-9a-f]{40}$/.test(release.target) ? release.target : sha1(release.target);
    if (!repository.tags.has(release.tag)) repository.tags.set(release.tag, { commit, annotated: false });
  }
  // "true" is what a release that is newly published gets when nothing is said.
  const latest = fields.make_latest ?? (publishes ? "true" : "false");
  if (!release.draft && !release.prerelease && latest !== "false") repository.latest = release.tag;
  return { status: 200, body: releaseRecord(repository, release, addresses) };
}

/** Keeps a file that was received; what GitHub says about it. */
export function takeFile(
  release: FakeRelease,
  asset: Omit<FakeAsset, "id">,
  { repository, addresses }: Place,
): Reply {
  if (release.immutable) return invalid("immutable");
  // A half upload keeps its name taken as well, which is what everybody stumbles over.
  if (release.assets.some(({ name }) => name === asset.name)) return invalid("already_exists");
  const added = addAsset(repository, release, asset);
  return { status: 201, body: assetRecord(repository, release, added, addresses) };
}
