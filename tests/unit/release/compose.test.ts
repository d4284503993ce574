import { describe, expect, test } from "vitest";
import { buildRows, planBuilds, previousOf } from "../../../lib/release/carry-over.ts";
import { versionsOf } from "../../../lib/release/choose-version.ts";
import { composeDocument } from "../../../lib/release/compose.ts";
import { releaseDocument } from "../../../lib/release/document.ts";
import { releaseNotes } from "../../../lib/release/notes.ts";
import { describeChange, packageChanges } from "../../../lib/release/package-changes.ts";
import { formatSums, parseSums } from "../../../lib/release/sums.ts";
import { parseVersion } from "../../../lib/release/version.ts";
import { exampleRelease } from "../manifest/example.ts";

const previous = exampleRelease("v1.0.0").document;
const planned = previous.builds.map(({ id, profile, board, buildId }) => ({ id, profile, board, buildId }));
const changed = planned.map((build) =>
  build.profile === "agent" ? { ...build, buildId: "e".repeat(64) } : build,
);
const version = parseVersion("v1.1.0");

describe("what a release takes over", () => {
  test("builds with the same id, and only those", () => {
    const releases = planBuilds("home", changed, previous);
    expect(buildRows(releases, version).map((row) => row.slice(0, 4))).toEqual([
      ["server", "rpi-arm64", "v1.0.0", "unchanged, carried over"],
      ["agent", "rpi-arm64", "v1.1.0", "changed since v1.0.0"],
    ]);
  });

  test("nothing under another cluster's name, though the system were the same", () => {
    const kinds = planBuilds("office", planned, previous).map(({ origin }) => origin.kind);
    expect(kinds).toEqual(["new", "new"]);
  });

  test("from the last release of its channel: a stable one never from a release candidate", () => {
    const published = versionsOf(["v1.0.0", "v1.1.0-rc.1", "v1.2.0"]);
    expect(previousOf(version, published)?.tag).toBe("v1.0.0");
    expect(previousOf(parseVersion("v1.1.0-rc.2"), published)?.tag).toBe("v1.1.0-rc.1");
    expect(previousOf(parseVersion("v1.0.0"), published)).toBeUndefined();
  });
});

describe("release.json", () => {
  const made = {
    slot: { bytes: 4096, sha256: "1".repeat(64) },
    disk: { bytes: 8192, sha256: "2".repeat(64) },
    boot: { machine: "raspi3b", checks: 31, loginSeconds: 151.2 },
  };
  const builds = planBuilds("home", changed, previous).map((release) => ({
    release,
    ...(release.origin.kind === "new" ? { made } : {}),
  }));
  const head = composeDocument({
    ...{ cluster: "home", version, commit: "c".repeat(40), now: Date.UTC(2026, 10, 22), development: false },
    ...{ waypoints: [], builds },
  });

  test("names new files by the new version and keeps the rest as it was", () => {
    expect(releaseDocument.parse({ ...head, assets: [] })).toMatchObject({
      tag: "v1.1.0",
      channel: "stable",
    });
    const [server, agent] = head.builds;
    expect(server).toEqual(previous.builds.find(({ profile }) => profile === "server"));
    expect(agent).toMatchObject({
      ...{ version: "1.1.0", serial: version.serial, image: "home-agent-rpi-arm64-1.1.0.img.zst" },
      ...{ bundle: "home-agent-rpi-arm64-1.1.0.raucb", buildId: "e".repeat(64), ...made },
    });
  });

  test("a new build of which nothing is known is no release", () => {
    const unknown = builds.map(({ release }) => ({ release }));
    const composing = () =>
      composeDocument({
        ...{ cluster: "home", version, commit: "", now: 0, development: false },
        ...{ waypoints: [], builds: unknown },
      });
    expect(composing).toThrow("nothing is known of the new build agent-rpi-arm64");
  });

  test("the notes say what is new, what is carried over, and how to check it", () => {
    const sbom = (packages: Record<string, string>) => ({
      file: "x.cdx.json",
      text: JSON.stringify({
        bomFormat: "CycloneDX",
        components: Object.entries(packages).map(([name, of]) => ({ name, version: of })),
      }),
    });
    const changes = packageChanges(sbom({ curl: "8.1", nano: "8.4" }), sbom({ curl: "8.2", htop: "3.4" }));
    expect(changes.map(describeChange)).toEqual(["  curl 8.1 -> 8.2", "+ htop 3.4", "- nano 8.4"]);
    const text = releaseNotes({
      document: head,
      assets: [{ name: "home-agent-rpi-arm64-1.1.0.img.zst", bytes: 128 * 2 ** 20, sha256: "3".repeat(64) }],
      previous: "v1.0.0",
      changes: new Map([["agent-rpi-arm64", changes]]),
      ...{ caShown: "keys/ca.pem", verify: ["openssl cms", "sha256sum"] },
    });
    expect(text).toContain("| `home-agent-rpi-arm64-1.1.0.img.zst` | new | 128 MiB |");
    expect(text).toContain("raspi3b: 31 checks, login after 151 s");
    expect(text).toContain("## Changes since v1.0.0");
    expect(text).toContain("Nothing: carried over from v1.0.0, its nodes do not update.");
    expect(text).toContain("```diff\n  curl 8.1 -> 8.2\n+ htop 3.4\n- nano 8.4\n```");
    expect(text).toContain("```sh\nopenssl cms\nsha256sum\n```");
    expect(text).not.toContain("development");
    expect(text).not.toContain("on its way");
  });

  test("the notes say of each image what a node that is behind installs first", () => {
    const [v102, v105] = [parseVersion("v1.0.2"), parseVersion("v1.0.5")];
    const document = composeDocument({
      ...{ cluster: "home", version, commit: "c".repeat(40), now: 0, development: false },
      ...{ waypoints: [v102, v105], builds },
    });
    const request = { document, assets: [], previous: undefined, changes: new Map() };
    const text = releaseNotes({ ...request, caShown: "keys/ca.pem", verify: [] });
    expect(text.split("\n").filter((line) => line.includes("on its way"))).toEqual([
      "- A node of agent-rpi-arm64 that is behind installs v1.0.2, then v1.0.5 on its way.",
    ]);
  });
});

describe("SHA256SUMS", () => {
  const sums = [
    { name: "b.img.zst", sha256: "b".repeat(64) },
    { name: "a.raucb", sha256: "a".repeat(64) },
  ];
  const text = `${"a".repeat(64)}  a.raucb\n${"b".repeat(64)}  b.img.zst\n`;

  test("is sorted, and read back as it was written", () => {
    expect(formatSums(sums)).toBe(text);
    expect(formatSums(parseSums(text, "SHA256SUMS"))).toBe(text);
  });

  test.each([
    ["a path", text.replace("a.raucb", "../a.raucb"), "SHA256SUMS:1", "no checksum"],
    ["a digest in capitals", text.replace("aaaa", "AAAA"), "SHA256SUMS:1", "no checksum"],
    ["binary mode", text.replace("  b", " *b"), "SHA256SUMS:2", "no checksum"],
    ["an end that is cut", text.slice(0, -1), "SHA256SUMS", "cut"],
    ["another order", text.split("\n").slice(0, 2).reverse().join("\n").concat("\n"), "SHA256SUMS", "sorted"],
  ])("refuses %s, with its place", (_, wrong, place, why) => {
    let error: unknown;
    try {
      parseSums(wrong, "SHA256SUMS");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "DOCUMENT", message: expect.stringContaining(why) });
    const at = (error as { place?: { file: string; line?: number } }).place;
    expect([at?.file, at?.line].filter((part) => part !== undefined).join(":")).toBe(place);
  });
});
