import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { realWorld } from "../../lib/external/world.ts";
import { releaseDocument } from "../../lib/release/document.ts";
import type { LocalRun } from "../../workbench/local/run.ts";
import { git } from "../contract/actions/repository.ts";
import { copyProject, type ProjectCopy } from "../image/project-copy.ts";
import { jobsOf, type OwnGithub, ownGithub, why } from "./own-github.ts";

/** Folder with finished layers. Needs root. */
const finished = process.env.PI_TEST_CACHE;
const world = realWorld(new AbortController().signal);
const MINUTES = 60_000;
const TAG = "v1.2.3";

describe.runIf(finished !== undefined && process.getuid?.() === 0)(
  "release.yml for a tag, as a whole",
  () => {
    let github: OwnGithub;
    let copy: ProjectCopy;
    let first: LocalRun;
    beforeAll(async () => {
      github = await ownGithub(finished ?? "");
      copy = await copyProject(finished ?? "");
    });
    afterAll(async () => {
      await copy?.remove();
      await github?.remove();
    });

    const kept = (...parts: string[]): string => github.kept(...parts);
    const released = (name = ""): string => kept("store", "releases", TAG, name);
    const run = (): Promise<LocalRun> => github.run({ workflow: "release", tag: TAG });
    const everyJob = [
      "manifest.yml all-green: success",
      "manifest.yml manifest: success",
      ...["all-green", "compile", "image agent-rpi-arm64", "image server-rpi-arm64", "publish"].map(
        (name) => `release.yml ${name}: success`,
      ),
    ];

    test(
      "compiles, builds and boots both images, publishes them, and tells nodes on a real git remote",
      async () => {
        first = await run();
        expect(jobsOf(first), why(first)).toEqual(everyJob);
        expect(first.problems).toEqual([]);
        const names = ["img.zst", "raucb", "cdx.json", "buildinfo.json"].flatMap((kind) =>
          ["agent", "server"].map((profile) => `home-${profile}-rpi-arm64-1.2.3.${kind}`),
        );
        const all = [...names, "SHA256SUMS", "SHA256SUMS.p7s", "release.json"].sort();
        expect((await readdir(released())).sort()).toEqual(all);
        expect([...first.uploaded.keys()].sort()).toEqual(all);
        const { commit, builds } = releaseDocument.parse(
          JSON.parse(await readFile(released("release.json"), "utf8")),
        );
        expect(commit).toBe(first.commit);
        expect(builds.map(({ boot }) => [boot.machine, boot.checks > 20])).toEqual([
          ["virt", true],
          ["virt", true],
        ]);
        const built = first.runs[0]?.summaries.filter((text) =>
          /^\| made \| (built by chroot|taken from the cache)/m.test(text),
        );
        expect(built).toHaveLength(2);
        expect(await git(kept("repository.git"), "log", "--format=%s", "manifest")).toBe(`Release ${TAG}`);
        expect((await readdir(kept("artifacts"))).sort()).toEqual(
          ["boot", "image"].flatMap((what) =>
            ["agent", "server"].map((profile) => `${what}-${profile}-rpi-arm64.zip`),
          ),
        );
        for (const { log } of first.runs) expect(log).not.toContain("PRIVATE KEY");
      },
      20 * MINUTES,
    );

    test("what comes out passes ./pi verify", async () => {
      for (const name of ["ca.pem", "root.json"]) {
        await copyFile(kept("keys", "public", name), join(copy.folder, "keys", name));
      }
      const verified = await copy.pi(["verify", TAG, "--store", kept("store")]);
      expect(verified.exitCode, verified.output).toBe(0);
      expect(verified.output).toContain(`all 10 files of ${TAG}`);
    });

    test("what comes out passes the two commands in the release's notes", async () => {
      const { releases } = JSON.parse(await readFile(kept("store", "github.json"), "utf8")) as {
        releases: { body: string }[];
      };
      const commands =
        releases[0]?.body.match(/^(openssl cms [^\n]*(\\\n[^\n]*)*|sha256sum [^\n]*)$/gm) ?? [];
      expect(commands, releases[0]?.body).toHaveLength(2);
      const download = kept("download");
      await mkdir(join(download, "keys"), { recursive: true });
      await copyFile(kept("keys", "public", "ca.pem"), join(download, "keys", "ca.pem"));
      for (const name of ["home-agent-rpi-arm64-1.2.3.img.zst", "SHA256SUMS", "SHA256SUMS.p7s"]) {
        await copyFile(released(name), join(download, name));
      }
      const checked = await world.processes.run({
        argv: ["sh", "-euc", commands.join("\n")],
        cwd: download,
        timeoutMs: MINUTES,
      });
      expect(checked.stdout).toContain("home-agent-rpi-arm64-1.2.3.img.zst: OK");
    });

    test(
      "a second whole run takes the builds from the cache, uploads nothing and changes nothing",
      async () => {
        const before = await readFile(kept("store", "github.json"), "utf8");
        const head = await git(kept("repository.git"), "rev-parse", "manifest");
        const second = await run();
        expect(jobsOf(second), why(second)).toEqual(everyJob);
        expect(second.commit).toBe(first.commit);
        expect(second.problems).toEqual([]);
        const reused = second.runs[0]?.summaries.filter((text) =>
          text.includes("| made | taken from the cache"),
        );
        expect(reused).toHaveLength(2);
        expect([...second.uploaded]).toEqual([]);
        expect(second.runs[0]?.log).toContain("published already, from this commit: nothing is uploaded");
        expect(JSON.parse(await readFile(kept("store", "github.json"), "utf8"))).toMatchObject({
          releases: (JSON.parse(before) as { releases: unknown }).releases,
        });
        expect(await git(kept("repository.git"), "rev-parse", "manifest")).toBe(head);
      },
      20 * MINUTES,
    );
  },
);
