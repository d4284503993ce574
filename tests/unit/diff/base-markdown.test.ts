import { describe, expect, it } from "vitest";
import type { BaseBuild } from "../../../lib/diff/base-build.ts";
import { baseMarkdown } from "../../../lib/diff/base-markdown.ts";
import type { Change, ImageDiff } from "../../../lib/diff/schema.ts";

const COMMIT = "c".repeat(40);
const digest = (digit: string): string => digit.repeat(64);
const compared = {
  ...{ id: "agent-rpi-arm64", commit: COMMIT, buildId: digest("b") },
  inputs: { definition: "2", playbook: "1", packages: "2" },
};
const base: BaseBuild = {
  ...{ version: 1, commit: COMMIT, bill: "{}" },
  info: {
    ...{ version: 1, name: "home-agent-rpi-arm64", cluster: "home", profile: "agent", board: "rpi-arm64" },
    ...{ buildId: digest("a"), inputs: { definition: "1", playbook: "1", packages: "1" }, builder: "chroot" },
    ...{ base: { sha256: digest("0"), epoch: 1 }, tools: digest("0"), tree: { sha256: digest("0") } },
    ...{ slot: { bytes: 1, sha256: digest("0") }, disk: { bytes: 1, sha256: digest("0") }, durationMs: 1 },
  },
};
const added: Change = {
  ...{ name: "tree:arm64", change: "added" },
  aspects: [{ aspect: "version", to: "2.2.1-1" }],
};
const image = { name: "disk.img.zst", bytes: 1 };
const diff: ImageDiff = {
  ...{ version: 1, equal: false, images: [image, image], boot: [], disk: [], bytes: [] },
  packages: [added],
  paths: [
    { name: "/usr/bin/tree", change: "added", aspects: [{ aspect: "kind", to: "file" }] },
    { name: "/etc/<b>", change: "removed", aspects: [{ aspect: "kind", from: "file" }] },
  ],
};

describe("what changes, in a job's summary", () => {
  it("is packages and paths, next to the image of the commit below", () => {
    const text = baseMarkdown({ kind: "image", base, diff }, compared);
    expect(text).toContain("### What changes in agent-rpi-arm64\n");
    expect(text).toContain(
      "Compared with build aaaaaaaaaaaa of commit cccccccccccc, which this change is based on. Inputs that differ: definition, packages. What Debian updated since is in here, too.\n",
    );
    expect(text).toContain(
      "the base's image (aaaaaaaaaaaa) and this one (bbbbbbbbbbbb) differ: 1 package, 2",
    );
    expect(text).toContain("| added | tree:arm64 |  | 2.2.1-1 |");
    expect(text).toContain("| added | /usr/bin/tree | file |");
    expect(text).toContain("| removed | /etc/&lt;b&gt; | file |");
  });

  it("says whose build it is where there is none of that commit", () => {
    const older = { ...base, commit: "d".repeat(40) };
    const text = baseMarkdown({ kind: "image", base: older, diff }, compared);
    expect(text).toContain(
      "of commit dddddddddddd, the newest there is: of cccccccccccc, which this change is",
    );
  });

  it("is packages alone, and why, where the image is gone", () => {
    const gone = { kind: "packages", base, why: "it is <gone>" } as const;
    const text = baseMarkdown({ ...gone, packages: [added] }, compared);
    expect(text).toContain("Only the package lists are compared: it is &lt;gone&gt;.\n");
    expect(text).toContain("| added | tree:arm64 |  | 2.2.1-1 |");
    expect(text).not.toContain("paths of slot A");
    expect(baseMarkdown({ ...gone, packages: [] }, compared)).toMatch(
      /is &lt;gone&gt;\. They are the same\.\n$/,
    );
  });

  it("is one line where there is nothing to compare with, or nothing differs", () => {
    const heading = "### What changes in agent-rpi-arm64\n\n";
    expect(baseMarkdown({ kind: "none", why: "no build is there" }, compared)).toBe(
      `${heading}Not compared: no build is there.\n`,
    );
    expect(baseMarkdown({ kind: "same", base }, compared)).toBe(
      `${heading}Nothing: build bbbbbbbbbbbb is the base branch's as well.\n`,
    );
  });
});
