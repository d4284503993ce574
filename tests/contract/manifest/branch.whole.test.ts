import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { processes } from "../../../lib/external/process.ts";
import { auditHome } from "../../../lib/manifest/audit.ts";
import { branchHome } from "../../../lib/manifest/branch-home.ts";
import { planChange } from "../../../lib/manifest/carry-out.ts";
import type { Checkpoint, ManifestHome } from "../../../lib/manifest/home.ts";
import { addRelease } from "../../../lib/manifest/repository/targets.ts";
import { choices, exampleRelease, rootOf, START, signersOf } from "../../unit/manifest/example.ts";

const folder = mkdtempSync(join(tmpdir(), "manifest-branch-"));
const remote = join(folder, "remote.git");
const scratch = join(folder, "scratch");
const trusted = rootOf();
const signal = new AbortController().signal;
const signing = { signers: signersOf(), now: START };

const git = (...argv: string[]): string =>
  execFileSync("git", ["-C", remote, ...argv], { encoding: "utf8" }).trim();
const homeOf = (checkpoint?: Checkpoint): ManifestHome =>
  branchHome({
    remote,
    scratch,
    world: { processes, signal },
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });

const planned = (tag: string, checkpoint?: Checkpoint) =>
  planChange({
    home: homeOf(checkpoint),
    trustedRoot: trusted,
    message: `Release ${tag}`,
    plan: (state) => addRelease(state, exampleRelease(tag), choices, signing),
  });
const publish = async (tag: string, checkpoint?: Checkpoint): Promise<void> =>
  (await planned(tag, checkpoint)).carryOut();
const stable = async (): Promise<string | undefined> =>
  auditHome((await homeOf().read()).files, trusted).channels.stable?.release;

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", remote]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the branch manifest of a git repository", () => {
  it("is made at first use, gets one commit per change, and a page", async () => {
    await publish("v1.0.0");
    await publish("v1.1.0");
    await publish("v1.1.0");
    expect(git("log", "--format=%s", "manifest").split("\n")).toEqual(["Release v1.1.0", "Release v1.0.0"]);
    expect(git("ls-tree", "--name-only", "manifest").split("\n")).toEqual(
      expect.arrayContaining([
        ".nojekyll",
        "index.html",
        "1.root.json",
        "2.targets.json",
        "timestamp.json",
        "targets",
      ]),
    );
    const page = git("show", "manifest:index.html");
    expect(page).toContain("<h2>stable: v1.1.0</h2>");
    expect(page).toContain("2026-12-01T12:00:00Z");
    expect(await stable()).toBe("v1.1.0");
    expect(readdirSync(scratch)).toEqual([]);
  });

  it("moved meanwhile: the change is planned anew on what is there", async () => {
    await publish("v1.0.0");
    const late = await planned("v1.1.0");
    await publish("v1.0.1");
    const said: (readonly string[])[] = [];
    await late.carryOut((lines) => said.push(lines));
    expect(said.flat()).toContain("channel stable: v1.0.1 -> v1.1.0");
    expect(git("log", "--format=%s", "manifest").split("\n")).toHaveLength(3);
    const targets = auditHome((await homeOf().read()).files, trusted).targets?.signed.targets ?? {};
    expect(Object.keys(targets)).toContain("releases/v1.0.1/release.json");
  });

  it("moved between clone and push: the push is refused, and tried again on the new state", async () => {
    await publish("v1.0.0");
    let pushes = 0;
    await publish("v1.2.0", async (name) => {
      if (name === "before push" && pushes++ === 0) await publish("v1.1.0");
    });
    expect(pushes).toBe(2);
    expect(await stable()).toBe("v1.2.0");
    const targets = auditHome((await homeOf().read()).files, trusted).targets?.signed.targets ?? {};
    expect(Object.keys(targets)).toContain("releases/v1.1.0/release.json");
  });

  it("is refused with REMOTE_MOVED when somebody is always faster", async () => {
    await publish("v1.0.0");
    let at = 0;
    const faster: Checkpoint = async (name) => {
      if (name === "before push") await publish(`v1.0.${++at}`);
    };
    await expect(publish("v1.5.0", faster)).rejects.toMatchObject({ code: "REMOTE_MOVED" });
    expect(await stable()).toBe("v1.0.3");
  });

  it.each(["checked out", "before push", "behind push"])(
    "killed at: %s, the next run ends in the same state",
    async (point) => {
      await publish("v1.0.0");
      await new Promise<void>((resolve, reject) => {
        const checkpoint: Checkpoint = (name) => {
          if (name !== point) return;
          resolve();
          return new Promise(() => undefined);
        };
        publish("v1.1.0", checkpoint).then(() => reject(new Error(`${point} was never reached`)), reject);
      });
      expect(await stable()).toBe(point === "behind push" ? "v1.1.0" : "v1.0.0");
      await publish("v1.1.0");
      const killed = (await homeOf().read()).files;
      rmSync(remote, { recursive: true });
      execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", remote]);
      await publish("v1.0.0");
      await publish("v1.1.0");
      expect(new Map(killed)).toEqual(new Map((await homeOf().read()).files));
    },
  );

  it("cannot be reached: says which, and what to do", async () => {
    rmSync(remote, { recursive: true });
    await expect(homeOf().read()).rejects.toMatchObject({
      code: "HOME",
      message: expect.stringContaining(`the branch manifest of ${remote} cannot be read or written`),
    });
  });
});
