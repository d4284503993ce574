import { describe, expect, test } from "vitest";
import { type Admission, judgeAdmission } from "../../../lib/release/deployment-rules.ts";

const rules = (...texts: readonly string[]): Admission =>
  texts.map((text) => {
    const [type = "", pattern = ""] = text.split(" ");
    return { type: type === "tag" ? "tag" : "branch", pattern };
  });
const release = { branch: "main", tags: true };
const manifest = { branch: "main", tags: false };

describe("whom an environment admits", () => {
  test.each([
    ["release", rules("tag v*", "branch main"), release],
    ["release, by the workflow's own pattern", rules("tag v*.*.*", "branch main"), release],
    ["release, by a pattern for a default branch", rules("tag v?*", "branch mai?"), release],
    ["release, each kind of tag by its own rule", rules("tag v0.*", "tag v1*", "branch main"), release],
    ["manifest", rules("branch main"), manifest],
    ["manifest, of another default branch", rules("branch trunk/2"), { branch: "trunk/2", tags: false }],
  ])("%s is as it is to be", (_, admission, wanted) => {
    expect(judgeAdmission(admission, wanted)).toEqual({ ok: true, found: "limited" });
  });

  test.each([
    ["everyone", "everyone", release, "open to every branch"],
    ["no tag", rules("branch main"), release, "does not admit tags v*: "],
    [
      "a branch that is called as tags are",
      rules("branch v*", "branch main"),
      release,
      "does not admit tags v*: ",
    ],
    ["some tags", rules("tag v1.*", "branch main"), release, "does not admit tags v*: "],
    ["no branch", rules("tag v*"), release, "does not admit the branch main: "],
    ["nobody", rules(), release, "does not admit tags v* and the branch main: "],
    ["another branch", rules("branch main"), { branch: "trunk", tags: false }, "the branch trunk"],
    ["a star that stops at a slash", rules("branch *"), { branch: "a/b", tags: false }, "the branch a/b"],
    ["any branch", rules("tag v*", "branch *"), release, "admits any branch, whose workflows"],
    ["tags where none belong", rules("branch main", "tag v*"), manifest, "admits tags, whose workflows"],
    ["protected branches, no tag", "protected", release, "so no tag"],
  ] as const)("%s: is told", (_, admission, wanted, found) => {
    const judged = judgeAdmission(admission, wanted);
    expect(judged).toMatchObject({ ok: false, found: expect.stringContaining(found) });
    expect(judged.warning).toBeUndefined();
  });

  test("protected branches may hold the default one: a warning", () => {
    expect(judgeAdmission("protected", manifest)).toEqual({
      ok: false,
      warning: true,
      found: "admits protected branches only: is main one?",
    });
  });
});
