import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { main, pi } from "./run-pi.ts";

const scratch = scratchFolder();
const isRoot = process.getuid?.() === 0;
const runs = (argv: readonly string[]): boolean =>
  spawnSync(argv[0] ?? "", argv.slice(1), { timeout: 10_000 }).status === 0;

// A mount namespace of our own, in which /usr/bin lacks one program; as root, or in a user namespace.
const namespace = isRoot ? ["unshare", "--mount"] : ["unshare", "--map-root-user", "--mount"];
const without = (program: string): string[] => [
  ...namespace,
  "sh",
  "-c",
  `set -e
  mount --bind /usr/bin "$1"
  mount -t tmpfs tmpfs /usr/bin
  "$1/ln" -s "$1"/* /usr/bin/
  rm "/usr/bin/${program}"
  shift
  exec "$@"`,
  "sh",
  scratch.path,
];
const canHide = runs([...namespace, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);

describe("pi doctor", () => {
  it("names each need, and fails exactly when one is missing", () => {
    const { code, stdout, stderr } = pi(["doctor"], { cacheDir: scratch.path });
    expect(stderr).toBe("");
    const lines = stdout.split("\n").filter((line) => !line.startsWith("   ") && line !== "");
    expect(lines.every((line) => /^(ok {5}|missing|warning) {2}[a-z0-9 ]+: ./.test(line))).toBe(true);
    expect(lines.map((line) => line.slice(9).split(":")[0])).toEqual(
      expect.arrayContaining([
        "root",
        "mmdebstrap",
        "free disk",
        "free memory",
        "arm64 programs",
        "cache",
        "clock",
        "archive",
      ]),
    );
    expect(code).toBe(lines.some((line) => line.startsWith("missing")) ? 1 : 0);
  });

  it.skipIf(!canHide)("says how mmdebstrap is had where it is missing (needs mount namespaces)", () => {
    const cacheDir = scratch.join("cache");
    const { code, stdout, stderr } = pi(["doctor"], { cacheDir, through: without("mmdebstrap") });
    expect(stderr).toBe("");
    expect(stdout).toContain("missing  mmdebstrap: missing\n         fix: sudo apt-get install mmdebstrap\n");
    expect(stdout).toContain("ok       flock: present\n");
    expect(code).toBe(1);
  });
});

describe("pi build by somebody who is not root", () => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const through = isRoot ? nobody : [];
  // Where there is sudo it would go on with that, and ask for a password.
  const possible = !existsSync("/usr/bin/sudo") && runs([...through, process.execPath, "--check", main]);

  it.skipIf(!possible)("says that it needs root, and how (needs a machine without sudo)", () => {
    chmodSync(scratch.path, 0o777);
    const { code, stdout, stderr } = pi(["build", "--out", scratch.join("out")], {
      cacheDir: scratch.path,
      through,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "error: building images needs root, and there is no sudo\n  fix: run the same command as root, or install sudo\n",
    );
    expect(readdirSync(scratch.path)).toEqual([]);
  });
});
