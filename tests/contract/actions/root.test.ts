import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const action = join(import.meta.dirname, "fixtures", "needs-root.ts");
const NOBODY = 65534;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sudo-"));
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true }));

/** A `sudo` before all others on PATH: runs what its JavaScript makes of the arguments after the options. */
async function standIn(script: string): Promise<void> {
  // No shell: it would drop variables with a hyphen in their names, which sudo does not.
  const program = `#!${process.execPath}
    const { spawnSync } = require("node:child_process");
    const argv = process.argv.slice(2).filter((word) => !/^-/.test(word));
    const run = (...words) => process.exit(spawnSync(words[0], words.slice(1), { stdio: "inherit" }).status ?? 1);
    ${script}
  `;
  await writeFile(join(folder, "sudo"), program, { mode: 0o755 });
}

/** Like sudo as hosted runners have it; a user namespace makes us root. */
const WORKING = 'run("unshare", "--map-root-user", ...argv);';

/** As an ordinary user, also where the tests run as root. */
const ordinaryUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const userNamespaces = spawnSync("unshare", ["--map-root-user", "true"], ordinaryUser).status === 0;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function start(
  env: Record<string, string>,
  onOutput: (output: string, pid: number) => void = () => undefined,
) {
  return new Promise<Ended>((resolve) => {
    const child = spawn(process.execPath, [action], {
      ...ordinaryUser,
      env: { PATH: `${folder}:${process.env.PATH}`, "INPUT_CACHE-DIR": "layers", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString("utf8");
      onOutput(output, child.pid ?? 0);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** Ids of the processes whose environment has this in it. */
function processesWith(mark: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark);
    } catch {
      return false;
    }
  });
}

describe("an action that needs root", () => {
  test.runIf(userNamespaces)(
    "starts itself again through sudo, with its inputs, and ends as that ends",
    async () => {
      await standIn(WORKING);
      expect(await start({})).toEqual({ code: 3, output: "uid 0, input layers\n" });
    },
  );

  test.runIf(userNamespaces)("passes an interruption on to the process it may not signal", async () => {
    await standIn(WORKING);
    let signalled = false;
    const ended = await start({ INPUT_WAIT: "true" }, (output, pid) => {
      if (signalled || !output.includes("uid 0")) return;
      signalled = true;
      process.kill(pid, "SIGINT");
    });
    expect(ended).toEqual({ code: 4, output: "uid 0, input layers\ninterrupted\n" });
  });

  test.runIf(userNamespaces && process.getuid?.() === 0)(
    "has tidied up soon after the runner killed the one it knows, though nobody reads any more",
    async () => {
      await standIn(WORKING);
      const mark = `layers-${process.pid}-${Date.now()}`;
      await chmod(folder, 0o777);
      const left = join(folder, "left");
      let running: readonly string[] = [];
      const ended = start(
        { INPUT_WAIT: "true", INPUT_LEFT: left, "INPUT_CACHE-DIR": mark },
        (output, pid) => {
          if (running.length > 0 || !output.includes("uid 0")) return;
          while (!existsSync(left));
          running = processesWith(mark);
          process.kill(pid, "SIGKILL");
        },
      );
      await ended;
      // The one that was killed, the stand-in for sudo, and the action itself.
      expect(running.length).toBeGreaterThanOrEqual(3);
      await vi.waitFor(() => expect(processesWith(mark)).toEqual([]), { timeout: 10_000, interval: 50 });
      expect(existsSync(left)).toBe(false);
    },
  );

  test.each([
    ["process.exit(1);", "sudo without a password is not allowed here"],
    ["throw new Error(argv);", "sudo without a password is not allowed here"],
    ["run(...argv);", "sudo did not make us root"],
  ])("says what to do where sudo is `%s`", async (script, message) => {
    await standIn(script);
    const { code, output } = await start({});
    expect(code).toBe(1);
    expect(output).toContain(
      `::error::building and booting images needs root, and ${message}%0A  fix: use a GitHub-hosted`,
    );
  });
});
