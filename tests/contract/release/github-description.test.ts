import { describe, expect, it } from "vitest";
import { apiDescription } from "../../../workbench/github/description.ts";
import { assetRecord, errorRecord, refRecord, releaseRecord } from "../../../workbench/github/records.ts";
import { addAsset, emptyRepository, seedRelease, sha256 } from "../../../workbench/github/repository.ts";

const description = apiDescription();
const RELEASES = "/repos/{owner}/{repo}/releases";
const addresses = { api: "https://a.example", uploads: "https://u.example", storage: "https://s.example" };

const repository = emptyRepository("someone", "cluster");
const seeded = seedRelease(repository, { tag: "v1.0.0" });
const half = { name: "a", bytes: 0, sha256: sha256(""), digestTold: false, content: undefined } as const;
const asset = addAsset(repository, seeded, { ...half, state: "starter" });
const release = releaseRecord(repository, seeded, addresses);
const record = assetRecord(repository, seeded, asset, addresses);

const exchange = (change: object) => ({
  ...{ query: {}, requestBody: undefined, status: 200, responseBody: undefined },
  ...change,
});

/** What is wrong with a change of a release, and with an answer to an upload. */
const patch = (requestBody: object, responseBody: object = release, status = 200): string[] =>
  description.problems("PATCH", `${RELEASES}/{release_id}`, exchange({ requestBody, responseBody, status }));
const upload = (responseBody: object, query: object = { name: "a" }, status = 201): string[] =>
  description.problems("POST", `${RELEASES}/{release_id}/assets`, exchange({ query, responseBody, status }));

describe("GitHub's description of its API", () => {
  it("is content with what the stand-in says", () => {
    expect(patch({ draft: false, make_latest: "true" })).toEqual([]);
    expect(upload(record)).toEqual([]);
    expect(upload(errorRecord("Validation Failed", "already_exists"), { name: "a" }, 422)).toEqual([]);
    const ref = refRecord("v1.0.0", { commit: "c".repeat(40), annotated: true });
    const path = "/repos/{owner}/{repo}/git/ref/{ref}";
    expect(description.problems("GET", path, exchange({ responseBody: ref }))).toEqual([]);
  });

  it.each<[string, () => string[], string]>([
    ["make_latest as a boolean", () => patch({ make_latest: true }), "/make_latest"],
    ["a property nobody knows", () => patch({ latest: true }), "no property latest"],
    ["an answer without a tag", () => patch({}, { ...release, tag_name: undefined }), "tag_name"],
    ["an answer with half a time", () => patch({}, { ...release, created_at: "today" }), "/created_at"],
    ["an asset without a digest", () => upload({ ...record, digest: undefined }), "digest"],
    ["a state nobody knows", () => upload({ ...record, state: "half" }), "/state"],
    ["an upload without a name", () => upload(record, {}), "name is missing"],
    ["a parameter nobody knows", () => upload(record, { name: "a", tag: "b" }), "no query parameter tag"],
    ["a status nobody knows", () => patch({}, release, 418), "no answer 418"],
    ["an error without words", () => patch({}, [], 502), "502"],
    ["a path nobody knows", () => description.problems("GET", "/releases", exchange({})), "is not in"],
  ])("sees %s", (_, problems, told) => {
    expect(problems().join("\n")).toContain(told);
  });
});
