import { describe, expect, test } from "vitest";
import { releaseSummary } from "../../../actions/publish-release/summary.ts";
import type { ReleaseDocument } from "../../../lib/release/document.ts";

const document: ReleaseDocument = {
  ...{ format: 1, cluster: "home", tag: "v1.0.0", commit: "0".repeat(40), date: "2026-01-01T00:00:00Z" },
  ...{ channel: "stable", development: false, builds: [], assets: [] },
};
const page = "https://github.example/someone/cluster/actions/runs/7";
const summary = (waits: boolean): string =>
  releaseSummary({
    ...{
      repository: "someone/cluster",
      tag: "v1.0.0",
      url: "https://github.example/v1.0.0",
      published: true,
      document,
      attested: undefined,
    },
    manifest: { url: page, waits },
  });

describe("the summary of a release", () => {
  test("says which run told the nodes", () => {
    expect(summary(false)).toContain(`Nodes were told by [this run](${page}).`);
  });

  test("does not say so of one that waits for approval", () => {
    expect(summary(true)).toContain(`Nodes are told as soon as [this run](${page}) is approved.`);
    expect(summary(true)).not.toContain("were told");
  });
});
