import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { versionOfSerial } from "../../../lib/cluster/serial.ts";
import { chooseVersion, latestOf, versionsOf } from "../../../lib/release/choose-version.ts";
import { compareVersions, nextPrerelease, parseVersion } from "../../../lib/release/version.ts";

describe("a version", () => {
  test.each([
    ["v1.2", "it is not MAJOR.MINOR.PATCH"],
    ["1.2.3", "it does not begin with v"],
    ["v1.2.3+build.5", "build metadata (+build.5) has no order"],
    ["v01.2.3", "it is not MAJOR.MINOR.PATCH"],
    ["vv1.2.3", "it is not MAJOR.MINOR.PATCH"],
    ["v1.2.3-dev.1", '"-dev.1" is none of -alpha.N, -beta.N, -rc.N'],
    ["v1.2.3-rc", '"-rc" is none of -alpha.N, -beta.N, -rc.N'],
    ["v1.2.3-rc.1.2", '"-rc.1.2" is none of -alpha.N, -beta.N, -rc.N'],
    ["v1.2.3-rc.300", "rc.N goes up to 299"],
    ["v1.1000.0", "numbers go up to 8999.999.999"],
    ["latest", "it does not begin with v"],
    ["", "it does not begin with v"],
  ])("%j is refused: %s", (tag, why) => {
    expect(() => parseVersion(tag)).toThrow(`${JSON.stringify(tag)} is no version: ${why}`);
  });

  const version = fc
    .record({
      numbers: fc.tuple(fc.nat(8999), fc.nat(999), fc.nat(999)),
      stage: fc.option(fc.tuple(fc.constantFrom("alpha", "beta", "rc"), fc.nat(299)), { nil: undefined }),
    })
    .map(({ numbers, stage }) => `v${numbers.join(".")}${stage === undefined ? "" : `-${stage.join(".")}`}`);

  test("has a serial that is larger exactly where the version is later", () => {
    fc.assert(
      fc.property(version, version, (one, other) => {
        const [a, b] = [parseVersion(one), parseVersion(other)];
        expect(Number.isSafeInteger(a.serial)).toBe(true);
        expect(Math.sign(a.serial - b.serial)).toBe(Math.sign(compareVersions(a, b)));
      }),
    );
  });

  test("is what its serial says, and a serial of none says none", () => {
    fc.assert(
      fc.property(version, (tag) => {
        expect(versionOfSerial(parseVersion(tag).serial)).toBe(parseVersion(tag).text);
      }),
    );
    for (const serial of [-1, 1.5, 900, 1_000_000_998, 9_000_000_000_999]) {
      expect(versionOfSerial(serial), String(serial)).toBeUndefined();
    }
  });

  test("that nobody named comes right after the latest", () => {
    expect(nextPrerelease(undefined).tag).toBe("v0.1.0-rc.1");
    expect(nextPrerelease(parseVersion("v1.2.3")).tag).toBe("v1.2.4-rc.1");
    expect(nextPrerelease(parseVersion("v1.2.4-rc.1")).tag).toBe("v1.2.4-rc.2");
    const later = fc.property(version, (tag) => {
      const latest = parseVersion(tag);
      fc.pre(!/\.999$|-rc\.299$/.test(tag));
      expect(compareVersions(nextPrerelease(latest), latest)).toBeGreaterThan(0);
    });
    fc.assert(later);
  });
});

describe("which version is released", () => {
  const question = {
    wanted: undefined,
    headTags: [],
    published: [],
    backport: false,
    sayBackport: "say --backport",
  };

  test("the one asked for, else the highest tag on HEAD, else the next release candidate", () => {
    expect(chooseVersion({ ...question, wanted: "v2.0.0", headTags: ["v1.0.0"] })).toMatchObject({
      version: { tag: "v2.0.0" },
      because: "as asked",
    });
    const tags = ["deployed", "v1.0.0", "v1.1.0-rc.1"];
    expect(chooseVersion({ ...question, headTags: tags })).toMatchObject({
      version: { tag: "v1.1.0-rc.1" },
      because: "the tag on HEAD",
    });
    expect(chooseVersion({ ...question, published: ["v1.0.0"] })).toMatchObject({
      version: { tag: "v1.0.1-rc.1" },
      because: "the next one after v1.0.0",
    });
    expect(chooseVersion(question)).toMatchObject({ version: { tag: "v0.1.0-rc.1" }, published: false });
  });

  test("not one below what its channel offers, unless it is said to be a backport", () => {
    const below = { ...question, wanted: "v1.0.5", published: ["v1.1.0", "v1.0.4"] };
    expect(() => chooseVersion(below)).toThrow("v1.0.5 comes before v1.1.0, which stable offers already");
    expect(chooseVersion({ ...below, backport: true }).version.tag).toBe("v1.0.5");
    const told = {
      code: "VERSION",
      fix: expect.stringContaining("or say --backport: it is published, and no"),
    };
    expect(() => chooseVersion(below)).toThrow(expect.objectContaining(told));
  });

  test("a stable one may come before a release candidate of a later version", () => {
    const published = ["v1.0.0", "v2.0.0-rc.1"];
    expect(chooseVersion({ ...question, wanted: "v1.0.1", published }).version.tag).toBe("v1.0.1");
    expect(() => chooseVersion({ ...question, wanted: "v1.1.0-rc.1", published })).toThrow("beta offers");
  });

  test("a published one is known to be published, also below the latest", () => {
    const asked = chooseVersion({ ...question, wanted: "v1.0.0", published: ["v1.0.0", "v1.1.0"] });
    expect(asked.published).toBe(true);
  });

  test("what a channel offers: beta has stable ones too", () => {
    const versions = versionsOf(["v1.0.0", "nightly", "v1.1.0-rc.2"]);
    expect(latestOf("stable", versions)?.tag).toBe("v1.0.0");
    expect(latestOf("beta", versions)?.tag).toBe("v1.1.0-rc.2");
    expect(latestOf("beta", versionsOf(["v1.0.0"]))?.tag).toBe("v1.0.0");
  });
});
