import { describe, expect, test } from "vitest";
import { inputsFrom, orderOf } from "../../../workbench/local/order.ts";

const wish = (workflow: string, tag?: string, inputs: Record<string, string> = {}) =>
  orderOf({ workflow, tag, inputs });

describe("a workflow that is run here", () => {
  test("starts as GitHub starts it", () => {
    expect(wish("release", "v1.2.3")).toMatchObject({
      ...{ file: "release.yml", event: "push", ref: "refs/tags/v1.2.3", tag: "v1.2.3" },
      releases: "v1.2.3",
    });
    expect(wish("pull-request")).toMatchObject({ file: "pull-request.yml", event: "pull_request" });
    expect(wish("manifest.yml", undefined, { change: "refresh" })).toEqual({
      ...{ file: "manifest.yml", event: "workflow_dispatch", ref: "refs/heads/main", tag: undefined },
      ...{ releases: undefined, inputs: { change: "refresh" } },
    });
    expect(wish("rebuild")).toMatchObject({ event: "workflow_dispatch", inputs: {} });
    expect(wish("rebuild", undefined, { version: "" })).toMatchObject({ releases: undefined });
    expect(wish("rebuild", undefined, { version: "v1.2.3" })).toMatchObject({
      ...{ event: "workflow_dispatch", ref: "refs/heads/main", tag: undefined, releases: "v1.2.3" },
    });
    expect(wish("manifest", undefined, { version: "v1.2.3" })).toMatchObject({ releases: undefined });
  });

  test.each([
    ["relase", undefined, {}, "WORKFLOW", 'did you mean "release"?'],
    ["check-dist", undefined, {}, "WORKFLOW", "workflows: pull-request, release, rebuild, manifest"],
    ["release", undefined, {}, "INPUT", "./pi workflow release --tag v1.2.3"],
    ["manifest", "v1.2.3", {}, "INPUT", "name the version as an input: --input version=v1.2.3"],
    ["rebuild", "v1.2.3", {}, "INPUT", "the workflow makes the tag: --input version=v1.2.3"],
    ["pull-request", "v1.2.3", {}, "INPUT", "leave --tag out"],
    ["pull-request", undefined, { profile: "agent" }, "INPUT", "leave --input out"],
    ["release", "v1.2.3", { profile: "agent" }, "INPUT", "leave --input out"],
    ["release", "1.2.3", {}, "VERSION", "v1.2.3"],
  ])("is refused where it could not start: %s %s %j", (workflow, tag, inputs, code, fix) => {
    expect(() => wish(workflow, tag, inputs)).toThrow(
      expect.objectContaining({ code, fix: expect.stringContaining(fix) }),
    );
  });
});

describe("an input", () => {
  test("is what stands before the first = and behind it", () => {
    expect(inputsFrom(["change=block", "reason=a=b", "profile="])).toEqual({
      ...{ change: "block", reason: "a=b", profile: "" },
    });
  });

  test.each(["change", "=block", ""])("%j is none", (text) => {
    expect(() => inputsFrom([text])).toThrow(expect.objectContaining({ code: "INPUT" }));
  });
});
