import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { pi, type Surroundings } from "./run-pi.ts";

const scratch = scratchFolder();
const run = (...argv: string[]) => pi(argv, { cacheDir: scratch.path });

describe("pi without a command", () => {
  it("lists the commands in the order of use", () => {
    const { stdout, stderr } = run();
    expect(stdout).toBe("");
    const commands = [...stderr.matchAll(/^ {2}([a-z]+)\b(?! {2,}\[|,)/gm)].map(([, name]) => name);
    const expected = [
      "plan",
      "build",
      "boot",
      "diff",
      "keys",
      "release",
      "verify",
      "serve",
      "emulate",
      "manifest",
      "identity",
      "workflow",
      "doctor",
      "clean",
      "test",
      "tools",
      "pin",
      "help",
    ];
    expect(commands).toEqual(expected);
  });

  it("says what is meant where a command is misspelt", () => {
    const { code, stdout, stderr } = run("biuld");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("error: unknown command 'biuld'\n(Did you mean build?)\n");
  });

  it("explains each of them", () => {
    const { code, stdout } = run("build", "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: pi build /);
  });
});

describe("pi plan", () => {
  it("shows the example's builds, from any folder, and leaves no trace", () => {
    const { code, stdout, stderr } = pi(["plan"], { cacheDir: scratch.path, cwd: "/" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^server +rpi-arm64 +chroot +[0-9a-f]{12}\*? +new$/m);
    expect(stdout).toMatch(/^agent +rpi-arm64 +chroot +[0-9a-f]{12}\*? +new$/m);
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  it("gives machines nothing but JSON", () => {
    const { code, stdout, stderr } = run("plan", "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { builds } = JSON.parse(stdout) as { builds: { id: string; state: string }[] };
    expect(builds.map(({ id, state }) => `${id} ${state}`)).toEqual([
      "server-rpi-arm64 new",
      "agent-rpi-arm64 new",
    ]);
  });

  it("prints file:line:column of every mistake, and fails", () => {
    const file = scratch.join("cluster.yaml");
    writeFileSync(
      file,
      "cluster: home\nprofiles:\n  agent: { board: rpi-arm46 }\nnodes:\n  pi-1: { profile: agnet }\n",
    );
    const { code, stdout, stderr } = run("plan", "--file", file);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .+cluster\.yaml: 2 problems$/m);
    expect(stderr).toContain(`${file}:3:19: `);
    expect(stderr).toContain(`${file}:5:20: `);
    expect(stderr).toContain('did you mean "rpi-arm64"?');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("finds a file beside the caller, not beside the program", () => {
    writeFileSync(scratch.join("mine.yaml"), "cluster: mine\nprofiles:\n  only: { board: rpi-arm64 }\n");
    const { code, stdout } = pi(["plan", "--file", "mine.yaml"], {
      cacheDir: scratch.path,
      cwd: scratch.path,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^only +rpi-arm64/m);
  });
});

describe("pi identity", () => {
  it("prints the file of a node, and only that", () => {
    const { code, stdout, stderr } = run("identity", "pi-1");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(parse(stdout)).toMatchObject({ hostname: "pi-1", ssh: [] });
  });

  it("says what is meant where there is no such node", () => {
    const { code, stdout, stderr } = run("identity", "pi-11");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/unknown node "pi-11" \(did you mean "pi-1"\?\)/);
  });
});

describe("pi workflow", () => {
  it.each([
    [["relase"], 'did you mean "release"?'],
    [["tests"], "workflows: pull-request, release, rebuild, manifest"],
    [["release"], "./pi workflow release --tag v1.2.3"],
    [["release", "--tag", "v1.2"], "v1.2"],
    [["rebuild", "--tag", "v1.2.3"], "--input version=v1.2.3"],
    [["manifest", "--tag", "v1.2.3"], "--input version=v1.2.3"],
    [["manifest", "--input", "change"], "--input change=refresh"],
  ])("refuses %j before anything runs, and says what to write", (argv, said) => {
    const { code, stdout, stderr } = run("workflow", ...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe("pi clean", () => {
  it("says that there is nothing where there is nothing", () => {
    expect(run("clean")).toEqual({ code: 0, stdout: `${scratch.join("cache")}: empty\n`, stderr: "" });
  });

  it("shows what the cache holds and deletes none of it", () => {
    mkdirSync(scratch.join("cache/tools"), { recursive: true });
    writeFileSync(scratch.join("cache/tools/large"), Buffer.alloc(3_000_000, 1));
    const { code, stdout } = run("clean");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ *3(\.0\d?)? MB {2}.*\/cache\/tools$/m);
    expect(stdout).toContain("./pi clean --yes");
    expect(readdirSync(scratch.join("cache/tools"))).toEqual(["large"]);
  });

  it.runIf(process.getuid?.() === 0)("frees it with --yes (root)", () => {
    mkdirSync(scratch.join("cache/tools/deep"), { recursive: true });
    const { code, stdout } = run("clean", "--yes");
    expect({ code, end: stdout.trimEnd().split("\n").at(-1) }).toEqual({ code: 0, end: "freed" });
    expect(readdirSync(join(scratch.path, "cache"))).toEqual([]);
  });
});

describe("pi build", () => {
  const built = (argv: readonly string[], around: Partial<Surroundings> = {}) =>
    pi(["build", "--out", scratch.join("out"), ...argv], { cacheDir: scratch.path, ...around });

  it("tells a mistake in the definition before anything else", () => {
    writeFileSync(scratch.join("bad.yaml"), "cluster: Home\n");
    const { code, stderr } = built(["--file", scratch.join("bad.yaml")]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${scratch.join("bad.yaml")}:1:10: `);
    expect(readdirSync(scratch.path)).toEqual(["bad.yaml"]);
  });

  it("refuses a builder that is none", () => {
    const { code, stderr } = built(["--builder", "docker"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/'docker' is invalid.*chroot, packer/);
  });
});

describe("pi diff", () => {
  // As with diff(1): 1 would mean that images differ.
  it.each([
    [["one.img"], "missing required argument 'other'"],
    [["one.img", "two.img", "--rows", "0"], "a whole number from 1 is expected"],
    [["one.img", "two.img", "--all", "--json"], "cannot be used with"],
    [["./gone.img", "./gone.img"], "there is no image"],
    [["update.raucb", "./gone.img"], "update.raucb is neither .img nor .img.zst"],
    [["agnet", "agent"], 'no image is made of a profile "agnet"'],
    [["agent", "agent"], "profile agent was never built here"],
  ])("ends with 2 for trouble: %j", (argv, said) => {
    const { code, stdout, stderr } = run("diff", ...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(said);
  });

  it("explains itself, with 0", () => {
    expect(run("diff", "--help")).toMatchObject({ code: 0, stderr: "" });
  });
});
