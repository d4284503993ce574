import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { processes } from "../../lib/external/process.ts";
import { copyProject, type PiResult, type ProjectCopy, put } from "./project-copy.ts";
import { copyArchive, GIB, lend, MIB, type SmallDisk, smallDisk } from "./small-disk.ts";
import { digestsIn, said, withReadOnlyTmp } from "./starving.ts";
import { cacheDir, testTools } from "./surroundings.ts";

const cache = cacheDir ?? "";
const tools = await testTools();

describe.runIf(cacheDir !== undefined)("./pi build on a disk that gets full", () => {
  let copy: ProjectCopy;
  let disk: SmallDisk;
  beforeEach(async () => {
    copy = await copyProject(cache);
    disk = await smallDisk(14 * GIB);
  });
  afterEach(async () => {
    const left = await disk.remove();
    await copy.remove();
    expect(left).toEqual([]);
  });

  /** Builds, and takes the room away when a line is printed. */
  async function fillAt(line: string, leave: number): Promise<PiResult> {
    const result = await copy.pi(["build", "agent"], {
      env: { PI_CACHE: disk.folder },
      onLine: (printed) => printed.includes(line) && disk.fill(leave),
    });
    disk.empty();
    return result;
  }

  function expectFull(result: PiResult, where: string): void {
    expect(result.exitCode, result.output).toBe(1);
    expect(said(result)).toMatch(new RegExp(`^error: no space left in ${where}(?::| or|, or) .*free`, "m"));
    expect(said(result)).toMatch(
      / {2}fix: free some there .* or use another disk: (?:PI_CACHE=|\.\/pi build --out )/,
    );
  }

  test("in each step says so, keeps what was finished and nothing else, then makes the same image", async () => {
    const undisturbed = await copy.pi(["build", "agent"]);
    expect(undisturbed.exitCode, undisturbed.output).toBe(0);
    const wanted = await digestsIn(copy);
    const made = (name: string) => stat(join(cache, "builds", wanted.buildId ?? "", name));
    const slot = (await made("slot.ext4")).blocks * 512;
    const packed = (await made("disk.img.zst")).size;
    await lend(cache, disk.folder, ["tools"]);
    await copyArchive(cache, disk.folder, tools?.digest ?? "");
    const cases: readonly (readonly [line: string, leave: number, rooms: readonly string[]])[] = [
      // While packages come in, and while they are unpacked.
      ["core system ...", 20 * MIB, []],
      ["core system ...", 500 * MIB, []],
      ["base of agent ...", 100 * MIB, ["core"]],
      ["playbook for agent ...", 50 * MIB, ["base", "core"]],
      // Slot file system, disk image around it, compressed image. What comes behind is written within a moment:
      // nobody who looks at the output is quick enough to take the room before.
      ["image of agent ...", 40 * MIB, ["base", "core"]],
      ["image of agent ...", Math.round(1.4 * slot), ["base", "core"]],
      ["image of agent ...", 2 * slot + Math.round(packed / 2), ["base", "core"]],
    ];
    for (const [line, leave, rooms] of cases) {
      expectFull(await fillAt(line, leave), disk.folder);
      const kept = (await disk.finished()).map((entry) => entry.split("/")[0]);
      expect(kept, `${line} ${leave}`).toEqual(["archive", ...rooms]);
    }
    const again = await copy.pi(["build", "agent", "--out", "again"], { env: { PI_CACHE: disk.folder } });
    expect(again.exitCode, again.output).toBe(0);
    expect(await digestsIn(copy, "again")).toEqual(wanted);
  });

  test("while the tools tree is made, and where /tmp is read-only afterwards", async () => {
    expectFull(await fillAt("tools tree ...", 400 * MIB), disk.folder);
    expect(await disk.finished()).toEqual([]);
    await lend(cache, disk.folder, ["core", "base", "builds"]);
    const again = await copy.pi(["build", "agent"], {
      env: { PI_CACHE: disk.folder },
      through: withReadOnlyTmp([copy.folder, cache, disk.folder]),
    });
    expect(again.exitCode, again.output).toBe(0);
    expect(again.steps).toEqual(["tools tree", "package lists"]);
    expect(again.output).toMatch(/agent-rpi-arm64 .*unchanged/);
  });

  test("before apt asks what is new, and the next run asks again", async () => {
    const limits = await readFile(join(copy.folder, "lib/image/limits.ts"), "utf8");
    await put(copy, "lib/image/limits.ts", limits.replace("freeDisk: 8 * GIB", "freeDisk: 0"));
    await lend(cache, disk.folder, ["tools", "core", "base", "builds"]);
    const key = await copyArchive(cache, disk.folder, tools?.digest ?? "");
    await processes.run({
      argv: ["find", join(disk.folder, "archive", key, "skel/var/lib/apt/lists"), "-type", "f", "-delete"],
      timeoutMs: 10_000,
    });
    disk.fill(0);
    expectFull(await copy.pi(["build", "agent"], { env: { PI_CACHE: disk.folder } }), disk.folder);
    disk.empty();
    const again = await copy.pi(["build", "agent"], { env: { PI_CACHE: disk.folder } });
    expect(again.exitCode, again.output).toBe(0);
  });

  test("that only takes the images leaves no half one there", async () => {
    const out = await mkdtemp(join(tmpdir(), "out-"));
    await processes.run({
      argv: ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", out],
      timeoutMs: 10_000,
    });
    try {
      const result = await copy.pi(["build", "agent", "--out", out]);
      expectFull(result, out);
      expect(await readdir(out)).toEqual([]);
    } finally {
      await processes.run({ argv: ["umount", out], timeoutMs: 10_000 });
      await rm(out, { recursive: true });
    }
    await mkdir(out);
    const again = await copy.pi(["build", "agent", "--out", out]);
    expect(again.exitCode, again.output).toBe(0);
    expect(await readdir(out)).toHaveLength(3);
    await rm(out, { recursive: true });
  });
});
