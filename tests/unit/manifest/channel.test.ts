import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Channels, channelBytes, parseChannel } from "../../../lib/manifest/channel.ts";
import { channelAfter, channelsAfter, channelsBlocking } from "../../../lib/manifest/channel-rules.ts";
import { channelSchemas } from "../../../lib/manifest/json-schema.ts";
import { parseVersion } from "../../../lib/release/version.ts";
import { choices, exampleRelease } from "./example.ts";

const schemaFolder = join(import.meta.dirname, "../../../schema");
const released = (...tags: string[]): Channels =>
  tags.reduce(
    (channels: Channels, tag) => channelsAfter(channels, exampleRelease(tag).document, choices),
    {},
  );
const at = (channels: Channels) => [channels.stable?.release, channels.beta?.release];

describe("channels after releases", () => {
  it.each([
    [["v1.0.0"], ["v1.0.0", "v1.0.0"]],
    [["v1.0.0-rc.1"], [undefined, "v1.0.0-rc.1"]],
    [
      ["v1.0.0", "v1.1.0-rc.1"],
      ["v1.0.0", "v1.1.0-rc.1"],
    ],
    [
      ["v1.0.0", "v1.1.0-rc.1", "v1.0.1"],
      ["v1.0.1", "v1.1.0-rc.1"],
    ],
    [
      ["v1.1.0-rc.1", "v1.1.0"],
      ["v1.1.0", "v1.1.0"],
    ],
    [
      ["v2.0.0", "v1.9.9"],
      ["v2.0.0", "v2.0.0"],
    ],
    [
      ["v1.1.0", "v1.0.0-rc.1"],
      ["v1.1.0", "v1.1.0"],
    ],
  ])("%j stand at %j", (tags, expected) => {
    expect(at(released(...tags))).toEqual(expected);
  });

  it("do not depend on the order in which tags arrive", () => {
    const tags = ["v1.0.0", "v1.0.1", "v1.1.0-alpha.3", "v1.1.0-rc.2", "v1.1.0", "v1.2.0-rc.1"];
    const expected = released(...tags);
    fc.assert(
      fc.property(fc.shuffledSubarray(tags, { minLength: tags.length }), (order) => {
        expect(released(...order)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it("stay the same document for the same release", () => {
    const once = released("v1.0.0");
    const twice = channelsAfter(once, exampleRelease("v1.0.0").document, {
      urlsOf: () => ["https://elsewhere.example/x"],
    });
    expect(twice.stable).toBe(once.stable);
  });

  it("keep what is blocked", () => {
    const blocked = { version: "1.0.0", id: "*", reason: "loses its clock", since: "2026-11-01T12:00:00Z" };
    const channels = channelsBlocking(released("v1.0.0"), blocked);
    expect(channelsAfter(channels, exampleRelease("v1.0.1").document, choices).stable?.blocked).toEqual([
      blocked,
    ]);
  });

  it("carry waypoints, serials and addresses of the bundles", () => {
    const waypoints = [parseVersion("v0.8.0").serial, parseVersion("v0.9.0").serial];
    const { document: release } = exampleRelease("v1.0.0");
    const builds = release.builds.map((build) =>
      build.profile === "agent" ? { ...build, waypoints } : build,
    );
    const document = channelAfter("stable", undefined, { ...release, builds }, choices);
    const name = "home-agent-rpi-arm64-1.0.0.raucb";
    expect(document?.images["agent-rpi-arm64"]).toMatchObject({
      serial: parseVersion("v1.0.0").serial,
      compatible: "home-agent-rpi-arm64",
      bundle: { name, urls: [`releases/v1.0.0/${name}`] },
      waypoints,
    });
    expect(document?.images["server-rpi-arm64"]).not.toHaveProperty("waypoints");
  });

  it("are of one cluster", () => {
    const other = { ...exampleRelease("v1.0.1").document, cluster: "barn" };
    expect(() => channelsAfter(released("v1.0.0"), other, choices)).toThrow("v1.0.1 is of the cluster barn");
  });

  it("need a bundle that the release lists", () => {
    const document = exampleRelease("v1.0.0").document;
    expect(() => channelsAfter({}, { ...document, assets: [] }, choices)).toThrow("does not list it");
  });
});

describe("a channel document", () => {
  const { stable } = released("v1.0.0");
  if (stable === undefined) throw new Error("no channel");

  it("is read as it was written", () => {
    expect(parseChannel("x", channelBytes(stable))).toEqual(stable);
  });

  it.each([
    ["no JSON", "{"],
    ["another format", JSON.stringify({ ...stable, format: 2 })],
    ["a field more", JSON.stringify({ ...stable, more: 1 })],
    ["not canonical", `${JSON.stringify(stable, null, 2)}\n`],
  ])("with %s is refused, by its name", (_, text) => {
    expect(() => parseChannel("targets/channels/x.json", Buffer.from(text))).toThrow(
      /^targets\/channels\/x\.json: /,
    );
  });

  const withImage = (more: object) => ({
    ...stable,
    images: Object.fromEntries(
      Object.entries(stable.images).map(([id, image]) => [id, { ...image, ...more }]),
    ),
  });
  const serial = parseVersion("v1.0.0").serial;

  it.each([
    ["that do not ascend", [7, 5]],
    ["of which one is there twice", [5, 5]],
    ["of which one is the image itself", [5, serial]],
    ["without end", Array.from({ length: 101 }, (_, at) => at + 1)],
  ])("with waypoints %s is refused", (_, waypoints) => {
    expect(() => parseChannel("x", channelBytes(withImage({ waypoints })))).toThrow(
      "x: is no channel document",
    );
  });

  it("of an older version of this project is read and written as it is", () => {
    const old = channelBytes(withImage({ minFrom: 5 }));
    expect(Buffer.from(channelBytes(parseChannel("x", old)))).toEqual(Buffer.from(old));
  });

  it("takes no reason that would change a console", () => {
    const blocked = [{ version: "1.0.0", id: "*", reason: "\u001b[2Jgone", since: "2026-11-01T12:00:00Z" }];
    expect(() => parseChannel("x", channelBytes({ ...stable, blocked }))).toThrow(
      "x: is no channel document",
    );
  });

  it.each(Object.entries(channelSchemas()))(
    "has a current schema: %s (node scripts/write-schemas.ts)",
    async (name, text) => {
      expect(await readFile(join(schemaFolder, name), "utf8")).toBe(text);
      const ajv = new Ajv({ strictTypes: false });
      formats.default(ajv);
      const validate = ajv.compile(JSON.parse(text) as object);
      expect(validate(JSON.parse(JSON.stringify(stable)))).toBe(true);
      expect(validate({ ...stable, images: { x: {} } })).toBe(false);
    },
  );
});
