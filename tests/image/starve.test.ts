import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { forwardProxy, pass } from "./forward-proxy.ts";
import { copyProject, type ProjectCopy, put } from "./project-copy.ts";
import { GIB, lend, MIB, type SmallDisk, smallDisk } from "./small-disk.ts";
import { digestsIn, said, withReadOnlyTmp } from "./starving.ts";
import { cacheDir } from "./surroundings.ts";

const cache = cacheDir ?? "";
const AGENT = "    packages: [ethtool]\n";

// The short half of what the group `starved` does.
describe.runIf(cacheDir !== undefined)("./pi build, starved", () => {
  let copy: ProjectCopy;
  let disk: SmallDisk;
  beforeEach(async () => {
    copy = await copyProject(cache);
    disk = await smallDisk(4 * GIB);
    await lend(cache, disk.folder, ["tools", "archive", "core"]);
  });
  afterEach(async () => {
    const left = await disk.remove();
    await copy.remove();
    expect(left).toEqual([]);
  });

  test("of room in the playbook and in the image keeps nothing wrong, then makes the same image", async () => {
    await lend(cache, disk.folder, ["base"]);
    const undisturbed = await copy.pi(["build", "agent"]);
    expect(undisturbed.exitCode, undisturbed.output).toBe(0);
    const wanted = await digestsIn(copy);
    for (const [step, leave] of [
      ["playbook for agent", 100 * MIB],
      ["image of agent", 40 * MIB],
    ] as const) {
      const result = await copy.pi(["build", "agent"], {
        env: { PI_CACHE: disk.folder },
        onLine: (line) => line.includes(`${step} ...`) && disk.fill(leave),
      });
      expect(result.exitCode, result.output).toBe(1);
      expect(said(result)).toMatch(
        new RegExp(`^error: no space left in ${disk.folder}: [\\d.]+ .?i?B free$`, "m"),
      );
      expect(said(result)).toMatch(/fix: free some there \(\.\/pi clean .*PI_CACHE=/);
      expect(await disk.finished()).toEqual(expect.not.arrayContaining([expect.stringMatching(/^builds/)]));
      disk.empty();
    }
    const again = await copy.pi(["build", "agent", "--out", "again"], {
      env: { PI_CACHE: disk.folder },
      through: withReadOnlyTmp([copy.folder, cache, disk.folder]),
    });
    expect(again.exitCode, again.output).toBe(0);
    expect(await digestsIn(copy, "again")).toEqual(wanted);
  });

  test("of a whole package keeps nothing of it", async () => {
    const text = await readFile(join(copy.folder, "cluster.yaml"), "utf8");
    await put(copy, "cluster.yaml", text.replace(AGENT, "    packages: [ethtool, sl]\n"));
    const proxy = await forwardProxy((url) => (url.includes("/sl_") ? { kind: "flip" } : pass));
    const env = { PI_CACHE: disk.folder, http_proxy: proxy.url };
    try {
      const result = await copy.pi(["build", "agent"], { env });
      expect(result.exitCode, result.output).toBe(1);
      expect(said(result)).toMatch(
        /error: the base of agent could not be made: sl_\S+_arm64\.deb came damaged/,
      );
      expect(said(result)).toContain("fix: run the same command again");
      expect(await disk.finished()).toEqual([]);
    } finally {
      await proxy.close();
    }
  });
});
