import { describe, expect, it } from "vitest";
import { checkDefinition } from "../../../lib/cluster/check.ts";
import { readYaml } from "../../../lib/cluster/yaml-file.ts";
import { type Channels, channelBytes, parseChannel } from "../../../lib/manifest/channel.ts";
import { channelsAfter } from "../../../lib/manifest/channel-rules.ts";
import { describeManifest } from "../../../lib/manifest/describe.ts";
import { addRelease } from "../../../lib/manifest/repository/targets.ts";
import { planBuilds } from "../../../lib/release/carry-over.ts";
import { composeDocument } from "../../../lib/release/compose.ts";
import { type ReleaseDocument, releaseDocument } from "../../../lib/release/document.ts";
import { parseVersion, type Version } from "../../../lib/release/version.ts";
import { warnOfUnpublished, waypointsOf } from "../../../lib/release/waypoints.ts";
import { Bench, choices, exampleRelease, START } from "./example.ts";

const serialOf = (tag: string): number => parseVersion(tag).serial;
const made = {
  slot: { bytes: 4096, sha256: "1".repeat(64) },
  disk: { bytes: 8192, sha256: "2".repeat(64) },
  boot: { machine: "raspi3b", checks: 31, loginSeconds: 151.2 },
};

/** What cluster.yaml says, as it is loaded. */
function waypointsIn(written: string): readonly Version[] {
  const text = `cluster: home\n${written}\nprofiles: { agent: { board: rpi-arm64 }, server: { board: rpi-arm64 } }\n`;
  const around = { boards: ["rpi-arm64"], missingRoles: new Set<string>() };
  const { definition, problems } = checkDefinition(readYaml(text, "cluster.yaml"), around);
  expect(problems).toEqual([]);
  if (definition === undefined) throw new Error("no definition");
  return waypointsOf(definition);
}

/** A release with a new agent; the server of `previous` is carried over. As it is read back. */
function releaseOf(tag: string, written: string, previous: ReleaseDocument): ReleaseDocument {
  const version = parseVersion(tag);
  const builds = previous.builds.map(({ id, profile, board, buildId }) => ({
    ...{ id, profile, board },
    buildId: profile === "agent" ? "e".repeat(64) : buildId,
  }));
  const releases = planBuilds("home", builds, previous);
  const head = composeDocument({
    ...{ cluster: "home", version, commit: "c".repeat(40), now: 0, development: false },
    waypoints: waypointsIn(written),
    builds: releases.map((release) => ({ release, ...(release.origin.kind === "new" ? { made } : {}) })),
  });
  const assets = head.builds.map(({ bundle }) => ({ name: bundle, bytes: 1, sha256: "3".repeat(64) }));
  return releaseDocument.parse(JSON.parse(JSON.stringify({ ...head, assets })));
}

function channelOf(release: ReleaseDocument, before: Channels = {}) {
  const { stable } = channelsAfter(before, release, choices);
  if (stable === undefined) throw new Error("no channel");
  return parseChannel("x", channelBytes(stable));
}

describe("the waypoints of cluster.yaml", () => {
  const first = exampleRelease("v1.5.0").document;
  const written = `update: { waypoints: ["1.2.0", "1.4.0", "1.8.0-rc.1", "2.0.0", "2.1.0"] }`;
  const later = releaseOf("v2.0.0", written, first);

  it("reach nodes through release.json: for each image those before its own version", () => {
    const { images } = channelOf(later);
    expect(images["agent-rpi-arm64"]).toMatchObject({
      serial: serialOf("v2.0.0"),
      waypoints: ["v1.2.0", "v1.4.0", "v1.8.0-rc.1"].map(serialOf),
    });
    // Carried over, of v1.5.0.
    expect(images["server-rpi-arm64"]).toMatchObject({
      serial: serialOf("v1.5.0"),
      waypoints: ["v1.2.0", "v1.4.0"].map(serialOf),
    });
  });

  it("are those of the commit that is released, also for what is carried over", () => {
    const { images } = channelOf(releaseOf("v2.0.1", `update: { waypoints: ["1.4.0"] }`, later));
    expect(images["server-rpi-arm64"]?.waypoints).toEqual([serialOf("v1.4.0")]);
    expect(channelOf(releaseOf("v2.0.1", "", later)).images["server-rpi-arm64"]).not.toHaveProperty(
      "waypoints",
    );
  });

  it("are left out of a release before them, and of one made without any", () => {
    const backport = releaseOf("v1.1.0", written, exampleRelease("v1.0.0").document);
    for (const release of [backport, releaseOf("v2.0.0", "", first)]) {
      for (const build of release.builds) expect(build).not.toHaveProperty("waypoints");
    }
    // As releases were made before there were any.
    expect(releaseDocument.parse(first)).toEqual(first);
  });

  it("are shown to who looks at the manifest", () => {
    const { file } = exampleRelease("v2.0.0");
    const bench = new Bench().release("v1.5.0");
    const notes = () =>
      describeManifest(bench.state, START).notes.filter((note) => note.startsWith("stable: A node"));
    expect(notes()).toEqual([]);
    bench.do((state, signing) => addRelease(state, { document: later, file }, choices, signing));
    expect(notes()).toEqual([
      "stable: A node of agent-rpi-arm64 that is behind installs v1.2.0, then v1.4.0, then v1.8.0-rc.1 on its way.",
      "stable: A node of server-rpi-arm64 that is behind installs v1.2.0, then v1.4.0 on its way.",
    ]);
  });

  it("are warned of where no such release is published", () => {
    const waypoints = waypointsIn(written);
    const warn = (tag: string, published: string[]) =>
      warnOfUnpublished(waypoints, parseVersion(tag), published);
    expect(warn("v1.8.0", ["v1.2.0", "v1.8.0-rc.1"])).toEqual([
      "update.waypoints names v1.4.0, which is not published: nodes before it stay as they are",
    ]);
    expect(warn("v1.2.0", [])).toEqual([]);
  });
});
