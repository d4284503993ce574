import { describe, expect, it } from "vitest";
import { archiveArguments } from "../../../lib/image/archive/archive.ts";
import { addedPackages } from "../../../lib/image/base/base.ts";
import { installProgress } from "../../../lib/image/base/core.ts";
import { selectBuilds } from "../../../lib/image/build/build.ts";
import { buildOf } from "./build-of.ts";
import { recordingStep } from "./quiet-reporter.ts";

describe("the builds that are asked for", () => {
  const builds = [buildOf("server"), buildOf("agent"), buildOf("agent", "virt-arm64")];
  const ids = (only: string[]): string[] => selectBuilds(builds, only).map(({ id }) => id);

  it("are all, where none is named", () => {
    expect(ids([])).toEqual(["server-rpi-arm64", "agent-rpi-arm64", "agent-virt-arm64"]);
  });

  it("go by profile or by id, each once, in the plan's order", () => {
    expect(ids(["agent"])).toEqual(["agent-rpi-arm64", "agent-virt-arm64"]);
    expect(ids(["agent-virt-arm64"])).toEqual(["agent-virt-arm64"]);
    expect(ids(["agent", "server-rpi-arm64", "agent-rpi-arm64", "server"])).toEqual(ids([]));
  });

  it("are refused where a name is none, with those there are", () => {
    expect(() => ids(["agent", "agnet"])).toThrow(
      expect.objectContaining({
        code: "PREFLIGHT",
        message: 'there is no profile "agnet" to build',
        fix: expect.stringContaining("server, agent"),
      }),
    );
  });
});

describe("what a profile adds to the core", () => {
  const entry = (name: string, version: string) => ({ name, version, sha256: "0".repeat(64) });

  it("is pinned, and only what the core does not have", () => {
    const core = [entry("apt", "3.0.3"), entry("libc6", "2.41-12")];
    const all = [...core, entry("htop", "3.4.1-5"), entry("libnl", "1:2.0~rc1")];
    expect(addedPackages(all, core)).toEqual(["htop=3.4.1-5", "libnl=1:2.0~rc1"]);
    expect(addedPackages(core, core)).toEqual([]);
  });
});

describe("the progress of an installation", () => {
  it("only ever grows, and is not done before it is done", () => {
    const { step, updates } = recordingStep();
    const progress = installProgress(3, step);
    const names = ["libc6", "htop", "apt"];
    const lines = [
      "I: automatically chosen mode: root",
      ...names.flatMap((name) => [
        `Selecting previously unselected package ${name}.`,
        `Unpacking ${name} (1.0-1) ...`,
      ]),
      "I: running --essential-hook in shell",
      ...names.map((name) => `Setting up ${name} (1.0-1) ...`),
      // Triggers, and packages that are unpacked a second time, come on top.
      "Unpacking htop (1.0-1) over (1.0-1) ...",
      "Processing triggers for libc-bin (2.41-12) ...",
    ];
    for (const line of lines) progress(line);
    const fractions = updates.map(({ fraction }) => fraction ?? Number.NaN);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions[0]).toBe(0);
    expect(fractions.at(-1)).toBe(0.98);
    expect(updates.map(({ text }) => text)).toContain("Setting up htop");
    expect(updates).toHaveLength(9);
  });
});

describe("where packages come from", () => {
  it("is the suite alone, mirrors left to mmdebstrap", () => {
    const choice = { suite: "trixie", snapshot: undefined, architecture: "arm64" };
    expect(archiveArguments(choice, "/target")).toEqual(["trixie", "/target"]);
  });

  it("is one moment of all three archives, where a snapshot is pinned", () => {
    const choice = { suite: "trixie", snapshot: "20261115T000000Z", architecture: "arm64" };
    const [suite, target, ...lines] = archiveArguments(choice, "/target");
    expect([suite, target]).toEqual(["trixie", "/target"]);
    const from = "deb [check-valid-until=no] https://snapshot.debian.org/archive";
    expect(lines).toEqual([
      `${from}/debian/20261115T000000Z trixie main non-free-firmware`,
      `${from}/debian/20261115T000000Z trixie-updates main non-free-firmware`,
      `${from}/debian-security/20261115T000000Z trixie-security main non-free-firmware`,
    ]);
  });
});
