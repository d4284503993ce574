import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { installedPackages, parseDpkgStatus } from "../../../lib/image/base/dpkg-status.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const scratch = scratchFolder();
const recorded = readFileSync(join(import.meta.dirname, "fixtures/dpkg-status"), "utf8");

describe("dpkg's status", () => {
  it("gives what is installed, sorted, with version, architecture and source package", () => {
    expect(parseDpkgStatus(recorded)).toEqual([
      { name: "adduser", version: "3.152", architecture: "all", source: "adduser" },
      { name: "kept-back", version: "1:2.0~rc1-1", architecture: "arm64", source: "kept-back" },
      { name: "libgcc-s1", version: "14.2.0-19", architecture: "arm64", source: "gcc-14" },
      { name: "libstdc++6", version: "14.2.0-19+b1", architecture: "arm64", source: "gcc-14" },
    ]);
  });

  it("does not read fields out of a description", () => {
    const text =
      "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDescription: b\n Version: 2\n Source: c\n";
    expect(parseDpkgStatus(text)).toEqual([{ name: "a", version: "1", architecture: "all", source: "a" }]);
  });

  it("is empty for an empty file", () => {
    expect(parseDpkgStatus("")).toEqual([]);
  });

  it("is read from a root", async () => {
    mkdirSync(scratch.join("var/lib/dpkg"), { recursive: true });
    writeFileSync(scratch.join("var/lib/dpkg/status"), recorded);
    expect(await installedPackages(scratch.path)).toHaveLength(4);
  });
});
