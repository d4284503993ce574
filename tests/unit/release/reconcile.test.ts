import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PublishPlan, reconcile } from "../../../lib/release/reconcile.ts";
import { renderPlan } from "../../../lib/release/render-plan.ts";
import type { StoredAsset, StoredRelease, WantedAsset } from "../../../lib/release/store.ts";
import { digest, storedAsset, storedRelease, wantedAsset } from "./samples.ts";

const details = { tag: "v1.0.0" };
const wanted = [wantedAsset("image"), wantedAsset("sums")];

const short = (plan: PublishPlan): string[] => plan.actions.map(({ kind, name }) => `${kind} ${name}`);
const plan = (assets: readonly StoredAsset[], change: Partial<StoredRelease> = {}): string[] =>
  short(reconcile(details, wanted, [storedRelease({ assets, ...change })]));

describe("what is done with a draft", () => {
  const image = storedAsset("image");
  it.each<[string, StoredAsset[], string[]]>([
    ["nothing there", [], ["upload image", "upload sums"]],
    ["one there", [image], ["skip image", "upload sums"]],
    ["another size", [{ ...image, bytes: 9 }], ["replace image", "upload sums"]],
    ["another digest", [{ ...image, sha256: digest("b") }], ["replace image", "upload sums"]],
    ["a digest nobody tells", [{ ...image, sha256: undefined }], ["hash image", "upload sums"]],
    [
      "another size, no digest",
      [{ ...image, bytes: 9, sha256: undefined }],
      ["replace image", "upload sums"],
    ],
    [
      "a half upload",
      [{ ...image, state: "starter" }],
      ["delete-starter image", "upload image", "upload sums"],
    ],
    ["a file too many", [storedAsset("image.1"), image], ["remove image.1", "skip image", "upload sums"]],
  ])("%s", (_, assets, actions) => {
    expect(plan(assets)).toEqual(actions);
  });

  it("of somebody else: his files stay, and we do not go on", () => {
    expect(plan([storedAsset("photo")], { foreign: true })).toEqual([
      "refuse photo",
      "upload image",
      "upload sums",
    ]);
  });

  it("the lowest of several is taken, by number", () => {
    const drafts = ["10", "9", "100"].map((id) => storedRelease({ id }));
    const { release, otherDrafts } = reconcile(details, wanted, [
      storedRelease({ id: "1", tag: "v0.9.0" }),
      ...drafts,
    ]);
    expect(release).toMatchObject({ kind: "use-draft", release: { id: "9" } });
    expect(otherDrafts.map(({ id }) => id)).toEqual(["10", "100"]);
  });
});

it("a draft of ours is taken before an older one of somebody else", () => {
  const drafts = [storedRelease({ id: "3", foreign: true }), storedRelease({ id: "7" })];
  expect(reconcile(details, [], drafts).release).toMatchObject({ release: { id: "7" } });
});

describe("what is done with a published release", () => {
  const published = { draft: false };
  it("nothing, where all is as wanted", () => {
    expect(
      plan(
        wanted.map(({ name }) => storedAsset(name)),
        published,
      ),
    ).toEqual(["skip image", "skip sums"]);
  });

  it.each<[string, StoredAsset[]]>([
    ["missing", []],
    ["other", [storedAsset("image", { bytes: 1 })]],
    ["half", [storedAsset("image", { state: "starter" })]],
    ["too many", [storedAsset("image"), storedAsset("more")]],
  ])("nothing either, where a file is %s: refused", (_, assets) => {
    const kinds = reconcile(details, wanted, [storedRelease({ ...published, assets })]).actions.map(
      ({ kind }) => kind,
    );
    expect(kinds).toContain("refuse");
    expect(kinds.filter((kind) => !["refuse", "skip", "hash"].includes(kind))).toEqual([]);
  });

  it("drafts of its tag do not matter", () => {
    const there = [storedRelease({ id: "1" }), storedRelease({ id: "2", ...published })];
    const { release, otherDrafts } = reconcile(details, [], there);
    expect(release).toMatchObject({ kind: "verify-only", release: { id: "2" } });
    expect(otherDrafts).toHaveLength(1);
  });
});

describe("latest", () => {
  const others = (...tags: string[]) =>
    tags.map((tag, at) => storedRelease({ id: String(at), tag, draft: false }));
  it.each<[string, string[], boolean]>([
    ["v1.0.0", [], true],
    ["v1.0.0", ["v0.9.0", "nightly", "v0.10.0"], true],
    ["v1.0.0", ["v1.0.0"], true],
    ["v1.0.0", ["v1.0.1"], false],
    ["v1.9.0", ["v1.10.0"], false],
    ["v1.0.0", ["v1.1.0-rc.1"], true],
    ["v1.0.0-rc.1", [], false],
  ])("%s beside %j: %s", (tag, tags, latest) => {
    expect(reconcile({ tag }, [], others(...tags)).latest).toBe(latest);
  });

  it("does not count drafts", () => {
    expect(reconcile(details, [], [storedRelease({ tag: "v2.0.0" })]).latest).toBe(true);
  });
});

/** A store that does what a plan says, one action at a time. */
function carriedOut(before: StoredRelease, { actions }: PublishPlan, how: number): StoredRelease {
  const assets = actions.slice(0, how).reduce((there: readonly StoredAsset[], action) => {
    if (action.kind === "skip" || action.kind === "refuse") return there;
    const without = "stored" in action ? there.filter((asset) => asset !== action.stored) : there;
    if (action.kind === "hash") return [...without, { ...action.stored, sha256: action.wanted.sha256 }];
    return "wanted" in action ? [...without, asStored(action.wanted)] : without;
  }, before.assets);
  return { ...before, assets };
}

const asStored = ({ name, bytes, sha256 }: WantedAsset): StoredAsset => storedAsset(name, { bytes, sha256 });

describe("a plan", () => {
  const names = fc.constantFrom("a", "b", "c", "d");
  const some = { bytes: fc.constantFrom(1, 2), sha256: fc.constantFrom(digest("a"), digest("b")) };
  const assets = fc.uniqueArray(
    fc.record({
      name: names,
      ...some,
      state: fc.constantFrom("uploaded" as const, "starter" as const),
      told: fc.boolean(),
    }),
    { selector: ({ name }) => name },
  );
  const files = fc.uniqueArray(fc.record({ name: names, ...some }), { selector: ({ name }) => name });

  it("carried out, and stopped anywhere before, leads to exactly the wanted files", () => {
    fc.assert(
      fc.property(assets, files, fc.nat(8), (there, list, stopped) => {
        const first = storedRelease({
          assets: there.map(({ told, ...asset }) =>
            storedAsset(asset.name, told ? asset : { ...asset, sha256: undefined }),
          ),
        });
        const goal = list.map((asset) => wantedAsset(asset.name, asset));
        const half = carriedOut(first, reconcile(details, goal, [first]), stopped);
        const next = reconcile(details, goal, [half]);
        const done = carriedOut(half, next, next.actions.length);
        const last = reconcile(details, goal, [done]);
        expect(new Set(short(last))).toEqual(new Set(goal.map(({ name }) => `skip ${name}`)));
        // What was right before is not sent again.
        const kept = first.assets.filter(
          (asset) =>
            asset.state === "uploaded" &&
            goal.some(
              (file) =>
                file.sha256 === asset.sha256 && file.bytes === asset.bytes && file.name === asset.name,
            ),
        );
        for (const asset of kept) expect(done.assets).toContain(asset);
      }),
    );
  });

  it("is shown as a table", () => {
    const there = [storedAsset("old", { bytes: 1500 }), storedAsset("image")];
    const lines = renderPlan(
      reconcile(details, wanted, [storedRelease({ assets: there })]),
      "the folder /srv",
    );
    expect(lines).toEqual([
      "publish v1.0.0 to the folder /srv from the draft 1, and make it the latest:",
      "  remove         old    1.5 kB",
      "  there already  image  10 B",
      "  upload         sums   10 B",
    ]);
  });
});
