import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../cli/run-pi.ts";
import { releaseInto, runCommand } from "./run-command.ts";

const folder = mkdtempSync(join(tmpdir(), "manifest-commands-"));
const project = join(folder, "project");
const keyFolder = join(folder, "keys", "home");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pi = (...argv: readonly string[]) => runCommand({ project, cacheDir: join(folder, "cache") }, argv);
const release = (tag: string) => releaseInto(project, { PI_KEYS: keyFolder, HOME: folder }, tag);

/** A project of one's own: that of the repository must get no keys. */
beforeAll(() => {
  mkdirSync(project);
  for (const part of ["ansible", "boards", "cluster.yaml", "keys"]) {
    cpSync(join(repository, part), join(project, part), { recursive: true });
  }
  process.env.PI_KEYS = keyFolder;
});
afterAll(() => {
  delete process.env.PI_KEYS;
});

describe("keys and manifest, from the first day on", () => {
  it("has no keys, says so, and makes none by being looked at", async () => {
    const { code, stderr } = await pi("keys", "status");
    expect(code).toBe(1);
    expect(stderr).toContain("there is no keys/root.json: this cluster has no keys yet");
    expect(existsSync(join(project, ".pi"))).toBe(false);
  });

  it("makes keys to try things out for a local store, and says what they are", async () => {
    const { code, stdout, stderr } = await pi("manifest", "refresh");
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("the first manifest, empty"),
    });
    expect(stderr).toContain("for trying things out, nobody keeps them safe");
    expect((await pi("keys", "status")).code).toBe(0);
    expect((await pi("keys", "rotate", "online")).stdout).toContain(
      `new key: ${keyFolder}-development/online-2.pem`,
    );
    expect((await pi("manifest", "refresh", "--force")).code).toBe(0);
    expect(existsSync(join(project, "keys/root.json"))).toBe(false);
    rmSync(join(project, "store"), { recursive: true });
  });

  it("init makes keys, writes the public halves, says what to commit, back up and set", async () => {
    const { code, stdout, stderr } = await pi("keys", "init", "--roots", "2");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const said of [
      "add keys/ca.pem keys/root.json",
      "root-2.pem",
      "gh secret set PI_KEY_ONLINE --env manifest <",
      "Back up",
    ]) {
      expect(stdout).toContain(said);
    }
    expect(readdirSync(keyFolder)).toContain("root-2.pem");
    expect(statSync(join(keyFolder, "online-1.pem")).mode & 0o777).toBe(0o600);
    const published = ["ca.pem", "root.json"].map((name) =>
      readFileSync(join(project, "keys", name), "utf8"),
    );
    expect(published.join()).not.toContain("PRIVATE KEY");
  });

  it("init a second time refuses, and says why", async () => {
    const { code, stderr } = await pi("keys", "init");
    expect(code).toBe(1);
    expect(stderr).toContain("this cluster has keys already");
  });

  it("init goes on where it was stopped between the private and the public halves", async () => {
    const root = readFileSync(join(project, "keys/root.json"));
    rmSync(join(project, "keys/root.json"));
    const { code, stdout } = await pi("keys", "init", "--roots", "2");
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`the keys in ${keyFolder} are used`),
    });
    const signers = (text: Buffer) =>
      (JSON.parse(text.toString("utf8")) as { signed: { keys: object } }).signed.keys;
    expect(signers(readFileSync(join(project, "keys/root.json")))).toEqual(signers(root));
  });

  it("shows a release, blocks it, and takes that back", async () => {
    await release("v1.0.0");
    expect((await pi("manifest")).stdout).toMatch(/^stable +v1\.0\.0 +agent-rpi-arm64 +1\.0\.0 +\d+$/m);
    expect(
      (await pi("manifest", "block", "v1.0.0", "--reason", "loses its clock", "--dry-run")).stdout,
    ).toContain("block 1.0.0 for every image: loses its clock");
    expect((await pi("manifest", "show")).stdout).not.toContain("loses its clock");
    expect(
      (await pi("manifest", "block", "v1.0.0", "--profile", "agent", "--reason", "loses its clock")).code,
    ).toBe(0);
    expect((await pi("manifest", "show")).stdout).toMatch(
      /^stable +1\.0\.0 +agent-rpi-arm64 +loses its clock +20/m,
    );
    expect((await pi("manifest", "unblock", "1.0.0")).code).toBe(0);
    expect((await pi("manifest", "show")).stdout).not.toContain("loses its clock");
    expect((await pi("manifest", "block", "1.0", "--reason", "x")).stderr).toContain('"v1.0" is no version');
  });

  it.each(["online", "targets", "root"])(
    "rotates the %s key, and goes on with the new one alone",
    async (role) => {
      const before = readFileSync(join(project, "keys/root.json"));
      const dry = await pi("keys", "rotate", role, "--dry-run");
      expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("not carried out") });
      expect(readFileSync(join(project, "keys/root.json")).equals(before)).toBe(true);
      const { code, stdout, stderr } = await pi("keys", "rotate", role);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(`new key: ${keyFolder}/${role}-`);
      for (const name of readdirSync(keyFolder).filter((one) => one.startsWith(`${role}-1.`)))
        rmSync(join(keyFolder, name));
      await release(`v1.${["online", "targets", "root"].indexOf(role) + 1}.0`);
      expect((await pi("manifest", "show")).code).toBe(0);
      expect(await pi("keys", "status")).toMatchObject({ code: 0 });
    },
  );

  it("finds the new root written where a rotation was stopped before its end", async () => {
    const now = readFileSync(join(project, "keys/root.json"));
    const older = readFileSync(join(project, "store/manifest/2.root.json"));
    writeFileSync(join(project, "keys/root.json"), older);
    expect(older.equals(now)).toBe(false);
    expect((await pi("keys", "rotate", "root")).stdout).toContain("which an earlier rotation made");
    expect(readFileSync(join(project, "keys/root.json")).equals(now)).toBe(true);
  });

  it("replaces a stolen online key, also in a second run behind one that was stopped", async () => {
    const before = readFileSync(join(project, "keys/root.json"));
    expect(await pi("keys", "rotate", "online", "--compromised")).toMatchObject({ code: 0 });
    const replaced = readFileSync(join(project, "keys/root.json"));
    writeFileSync(join(project, "keys/root.json"), before);
    expect(await pi("keys", "rotate", "online", "--compromised")).toMatchObject({ code: 0 });
    expect(readFileSync(join(project, "keys/root.json")).equals(replaced)).toBe(true);
    await release("v1.9.0");
    expect((await pi("manifest", "show")).stdout).toMatch(/^timestamp +\d{4,} /m);
  });

  it("replaces the signing key under the same CA", async () => {
    const before = readFileSync(join(keyFolder, "signing.pem"), "utf8");
    expect(await pi("keys", "rotate", "signing")).toMatchObject({ code: 0 });
    expect(readFileSync(join(keyFolder, "signing.pem"), "utf8")).not.toBe(before);
  });

  it("lets a release wait for a person whose key is elsewhere", async () => {
    const elsewhere = join(folder, "elsewhere.pem");
    const here = join(keyFolder, "targets-2.pem");
    renameSync(here, elsewhere);
    await release("v2.0.0");
    expect((await pi("manifest", "show")).stdout).toMatch(/^targets \d+ waits: 0 of 1 signatures$/m);
    expect((await pi("keys", "approve")).stderr).toContain("signing targets takes 1 targets key; 0 in");
    renameSync(elsewhere, here);
    const { code, stdout } = await pi("keys", "approve");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\+ releases\/v2\.0\.0\/release\.json \d+ bytes sha256 [0-9a-f]{64}$/m);
    expect((await pi("manifest", "show")).stdout).toMatch(/^stable +v2\.0\.0 /m);
    expect((await pi("keys", "approve")).stderr).toContain("nothing waits for a signature");
  });

  it("writes to a branch, logging in as the environment says and not as the address does", async () => {
    const remote = join(folder, "remote.git");
    execFileSync("git", ["init", "--quiet", "--bare", remote]);
    // A setting by environment is how a job hands git its token, too.
    const settings = { COUNT: "1", KEY_0: `url.${remote}.insteadOf`, VALUE_0: "https://git.invalid/home" };
    for (const [name, value] of Object.entries(settings)) process.env[`GIT_CONFIG_${name}`] = value;
    try {
      const { code, stderr } = await pi(
        "manifest",
        "refresh",
        "--branch",
        "https://user:word@git.invalid/home",
      );
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining("its address holds a password"),
      });
      expect(stderr).not.toContain("word@");
      const done = await pi("manifest", "refresh", "--branch", "https://git.invalid/home");
      expect(done).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("the branch manifest of https://git.invalid/home"),
      });
      expect(
        execFileSync("git", ["-C", remote, "ls-tree", "--name-only", "manifest"], { encoding: "utf8" }),
      ).toContain("timestamp.json");
    } finally {
      for (const name of Object.keys(settings)) delete process.env[`GIT_CONFIG_${name}`];
    }
  });

  it("tells which file of the manifest is damaged", async () => {
    const path = join(project, "store/manifest/timestamp.json");
    const content = readFileSync(path);
    writeFileSync(path, Buffer.from(content).fill("x", 200, 201));
    expect((await pi("manifest", "show")).stderr).toContain("error: timestamp.json: ");
    writeFileSync(path, content);
  });

  it("has published no private key, not in the store and not in the project's keys/", () => {
    const secrets = readdirSync(keyFolder)
      .map((name) => readFileSync(join(keyFolder, name), "utf8"))
      .filter((text) => text.includes("PRIVATE KEY"))
      .map((text) => text.split("\n")[1] ?? "");
    expect(secrets.length).toBeGreaterThan(5);
    const published = ["store", "keys"].flatMap((part) =>
      readdirSync(join(project, part), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
    );
    expect(published.length).toBeGreaterThan(10);
    const told = published.filter(
      (text) => text.includes("PRIVATE KEY") || secrets.some((secret) => text.includes(secret)),
    );
    expect(told).toEqual([]);
  });

  it("says which key is missing, where it was looked for, and what to do", async () => {
    for (const name of readdirSync(keyFolder).filter((one) => /^online-/.test(one)))
      rmSync(join(keyFolder, name));
    const { code, stderr } = await pi("manifest", "refresh", "--force");
    expect(code).toBe(1);
    expect(stderr).toContain(`signing timestamp takes 1 online key; 0 in ${keyFolder}`);
    expect(stderr).toContain("fix: ");
  });
});
