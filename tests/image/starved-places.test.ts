import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assetsRoot } from "../../lib/external/assets.ts";
import { processes } from "../../lib/external/process.ts";
import { copyProject, type PiResult, type ProjectCopy, put } from "./project-copy.ts";
import { ownLeftovers, said, withFullTmp } from "./starving.ts";
import { cacheDir } from "./surroundings.ts";

const cache = cacheDir ?? "";
const SECONDS = 10_000;

describe.runIf(cacheDir !== undefined)("./pi build", () => {
  let copy: ProjectCopy;
  let folder: string;
  beforeEach(async () => {
    copy = await copyProject(cache);
    folder = await mkdtemp(join(tmpdir(), "places-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
    await copy.remove();
    expect(await ownLeftovers(cache)).toEqual([]);
  });

  /** Makes the playbook another one, so that it runs. */
  async function changePlaybook(): Promise<void> {
    const tasks = "ansible/roles/journal/tasks/main.yml";
    const text = await readFile(join(copy.folder, tasks), "utf8");
    await put(copy, tasks, `${text}\n# Changed ${Date.now()}\n`);
  }

  test("needs no room in /tmp, no TMPDIR and no HOME", async () => {
    await changePlaybook();
    const result = await copy.pi(["build", "agent"], {
      env: { TMPDIR: "/not/there", HOME: "/not/there/either" },
      through: withFullTmp([copy.folder, cache, assetsRoot]),
    });
    expect(result.exitCode, result.output).toBe(0);
    expect(result.steps).toEqual(["playbook for agent", "image of agent"]);
  });

  async function told(result: PiResult, since: number, error: RegExp, fix: RegExp): Promise<void> {
    expect(result.exitCode, result.output).toBe(1);
    expect(said(result)).toMatch(error);
    expect(said(result)).toMatch(fix);
    expect(performance.now() - since).toBeLessThan(SECONDS);
  }

  test("tells in seconds where cache or images cannot be written", async () => {
    const mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder] as const;
    await processes.run({ argv: mount, timeoutMs: 10_000 });
    try {
      const pi = (args: string[], env: Record<string, string> = {}) => copy.pi(["build", ...args], { env });
      const readOnly = /is on a read-only file system/;
      let since = performance.now();
      await told(
        await pi([], { PI_CACHE: join(folder, "cache") }),
        since,
        readOnly,
        /PI_CACHE=\/another\/folder/,
      );
      since = performance.now();
      await told(
        await pi(["--out", join(folder, "out")]),
        since,
        readOnly,
        /fix: .* --out \/another\/folder/,
      );
    } finally {
      await processes.run({ argv: ["umount", folder], timeoutMs: 10_000 });
    }
    await writeFile(join(folder, "file"), "");
    const since = performance.now();
    const result = await copy.pi(["build"], { env: { PI_CACHE: join(folder, "file", "cache") } });
    await told(result, since, /cache: \S+ is no folder/, /PI_CACHE=/);
  });

  /** Puts a line behind another one of the script that every tool runs through. */
  async function behind(line: string, more: string): Promise<void> {
    const enter = "lib/image/tools/enter.sh";
    const text = await readFile(join(copy.folder, enter), "utf8");
    expect(text.split(`\n${line}\n`)).toHaveLength(2);
    await put(copy, enter, text.replace(`\n${line}\n`, `\n${line}\n${more}\n`));
  }

  test("ends well, or says what was missing, with 1 GiB of memory for each tool", async () => {
    await changePlaybook();
    await behind("set -eu", "ulimit -v 1048576");
    const result = await copy.pi(["build", "agent"]);
    if (result.exitCode !== 0)
      expect(said(result)).toMatch(/^error: (killed: )?out of memory \(.*\n.*fix: /s);
  });

  test("says what was missing where there is far too little", async () => {
    await changePlaybook();
    await behind("set -eu", "ulimit -v 40000");
    const result = await copy.pi(["build", "agent"]);
    expect(result.exitCode, result.output).toBe(1);
    expect(said(result)).toMatch(
      /^error: (killed: )?out of memory \(.*needed\)\n.*fix: close other programs/s,
    );
  });

  test("says that a tool was killed, and does not show its code alone", async () => {
    await changePlaybook();
    await behind("child=$!", 'case " $* " in *" zstd "*) kill -KILL "$child" ;; esac');
    const result = await copy.pi(["build", "agent"]);
    expect(result.exitCode, result.output).toBe(1);
    expect(said(result)).toMatch(/^error: killed from outside, as Linux does when it is out of memory/);
    expect(said(result)).toMatch(/the image of agent could not be assembled \(zstd\)/);
    expect(said(result)).toMatch(/fix: close other programs.*dmesg/);
  });
});
