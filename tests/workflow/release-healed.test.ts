import { readdir, readFile, rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fault } from "../../workbench/github/faults.ts";
import { git } from "../contract/actions/repository.ts";
import { packUpStandIn } from "../stand-in/packer/pack-up.ts";
import { jobsOf, type OwnGithub, ownGithub, why } from "./own-github.ts";

/** Folder with finished layers. Needs root. */
const finished = process.env.PI_TEST_CACHE;
const MINUTES = 60_000;
const TAG = "v1.2.4";
const BUNDLE = "home-server-rpi-arm64-1.2.4.raucb";
/** More often than a run tries one file again. */
const TOO_OFTEN = 30;

describe.runIf(finished !== undefined && process.getuid?.() === 0)("whole workflows with real images", () => {
  let github: OwnGithub;
  beforeEach(async () => {
    github = await ownGithub(finished ?? "");
  });
  afterEach(() => github?.remove());

  const uploadedOf = async (): Promise<{ draft: boolean; names: string[] }> => {
    const { releases } = JSON.parse(await readFile(github.kept("store", "github.json"), "utf8")) as {
      releases: { draft: boolean; assets: { name: string; state: string }[] }[];
    };
    const [release, ...more] = releases;
    expect(more).toEqual([]);
    const names = release?.assets.filter(({ state }) => state === "uploaded").map(({ name }) => name) ?? [];
    return { draft: release?.draft ?? false, names };
  };

  test(
    "release.yml: one upload fails in the middle, no node is told, and the second run uploads what is missing",
    async () => {
      const fault: Fault = { on: "upload", do: "502-with-starter", name: BUNDLE };
      const faults = Array.from({ length: TOO_OFTEN }, () => fault);
      const broken = await github.run({ workflow: "release", tag: TAG }, { faults });
      expect(jobsOf(broken), why(broken)).toEqual([
        "release.yml all-green: failure",
        "release.yml compile: success",
        "release.yml image agent-rpi-arm64: success",
        "release.yml image server-rpi-arm64: success",
        "release.yml publish: failure",
      ]);
      const before = await uploadedOf();
      expect(before.draft).toBe(true);
      expect(before.names).not.toContain(BUNDLE);
      expect(before.names.length).toBeGreaterThan(0);
      const healed = await github.run({ workflow: "release", tag: TAG });
      expect(
        healed.runs.map(({ succeeded }) => succeeded),
        why(healed),
      ).toEqual([true, true]);
      const after = await uploadedOf();
      expect(after.draft).toBe(false);
      expect([...healed.uploaded.keys()].sort()).toEqual(
        after.names.filter((name) => !before.names.includes(name)).sort(),
      );
      expect(healed.uploaded.has(BUNDLE)).toBe(true);
      expect((await readdir(github.kept("store", "releases", TAG))).sort()).toEqual(after.names.sort());
    },
    60 * MINUTES,
  );

  test(
    "release.yml with builder packer: the stand-in for it builds both images, and what boots is released",
    async () => {
      await packUpStandIn(github.kept("packer"));
      // Other keys, so other builds: both builders make the same ones, and the first one's are in the cache.
      await rm(github.kept("keys"), { recursive: true });
      const done = await github.run(
        { workflow: "release", tag: TAG },
        { builder: "packer", packerDir: github.kept("packer") },
      );
      expect(
        done.runs.map(({ succeeded }) => succeeded),
        why(done),
      ).toEqual([true, true]);
      expect(done.problems).toEqual([]);
      const built = done.runs[0]?.summaries.filter((text) => text.includes("built by packer"));
      expect(built).toHaveLength(2);
      const { draft, names } = await uploadedOf();
      expect([draft, names.filter((name) => name.endsWith(".raucb")).sort()]).toEqual([
        false,
        ["home-agent-rpi-arm64-1.2.4.raucb", BUNDLE],
      ]);
      expect(await git(github.kept("repository.git"), "log", "--format=%s", "manifest")).toBe(
        `Release ${TAG}`,
      );
    },
    60 * MINUTES,
  );

  test(
    "rebuild.yml with a version: the release, with its tag, by the jobs of release.yml",
    async () => {
      const done = await github.run({ workflow: "rebuild", inputs: { version: TAG } });
      expect(jobsOf(done), why(done)).toEqual([
        "manifest.yml all-green: success",
        "manifest.yml manifest: success",
        // Jobs of the called release.yml go by their own names in act: its compile and all-green are not told apart.
        ...["all-green", "compile", "image agent-rpi-arm64", "image server-rpi-arm64", "publish"].map(
          (name) => `rebuild.yml ${name}: success`,
        ),
      ]);
      expect(done.problems).toEqual([]);
      expect(await uploadedOf()).toMatchObject({ draft: false, names: expect.arrayContaining([BUNDLE]) });
      const { tags } = JSON.parse(await readFile(github.kept("store", "github.json"), "utf8")) as {
        tags: Record<string, { commit: string }>;
      };
      expect(tags[TAG]?.commit).toBe(done.commit);
      expect(await git(github.kept("repository.git"), "log", "--format=%s", "manifest")).toBe(
        `Release ${TAG}`,
      );
    },
    60 * MINUTES,
  );

  test(
    "rebuild.yml without a version: one booted image to download, and no release",
    async () => {
      const done = await github.run({ workflow: "rebuild", inputs: { profile: "agent" } });
      expect(jobsOf(done), why(done)).toEqual([
        "rebuild.yml all-green: success",
        "rebuild.yml compile: success",
        "rebuild.yml image agent-rpi-arm64: success",
      ]);
      expect(done.problems).toEqual([]);
      expect(done.runs).toHaveLength(1);
      expect((await readdir(github.kept("artifacts"))).sort()).toEqual([
        ...["boot-agent-rpi-arm64.zip", "image-agent-rpi-arm64.zip"],
      ]);
      expect(done.runs[0]?.summaries.join("\n")).toMatch(/agent.* on virt: passed/);
      expect([...done.uploaded]).toEqual([]);
      expect(await readdir(github.kept("store"))).toEqual(["github.json"]);
    },
    40 * MINUTES,
  );
});
