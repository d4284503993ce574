import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256OfFile } from "../../lib/external/files.ts";
import { layout, SECTOR } from "../../lib/image/assemble/layout.ts";
import { throwAway } from "../../lib/keys/certificates.ts";
import { makeBundle } from "../../lib/release/bundle/bundle.ts";
import { readBundleInfo } from "../../lib/release/bundle/info.ts";
import { type ReleaseDocument, releaseDocument } from "../../lib/release/document.ts";
import { startGithub } from "../../workbench/github/server.ts";
import { findInProcesses, findSecrets, type Needle, secretsIn } from "../contract/keys/find-secrets.ts";
import { copyProject, type PiResult, type ProjectCopy, put } from "./project-copy.ts";
import { cacheDir, quietStep, testTools, world } from "./surroundings.ts";
import { copyTestKeys } from "./test-keys.ts";

// One release after the other, as a person makes them on one machine, with real images and keys made on the spot.
const MINUTE = 60_000;
const TOOLS = await testTools();

describe.runIf(cacheDir !== undefined)("./pi release into a local store", () => {
  const cache = cacheDir ?? "";
  let copy: ProjectCopy;
  let work: string;
  let needles: Needle[] = [];
  /** The newest one in the store. */
  let latest = "";
  const inArguments: unknown[] = [];
  const outputs: string[] = [];

  const began = Date.now();
  /** What this test left in rooms of the cache: others' releases are not its business. */
  const madeSince = async (start: number, rooms: readonly string[]): Promise<string[]> => {
    const entries = await Promise.all(
      rooms.map(async (room) => (await readdir(join(cache, room))).map((name) => join(cache, room, name))),
    );
    const touched = await Promise.all(
      entries.flat().map(async (path) => ((await stat(path)).mtimeMs >= start ? [path] : [])),
    );
    return touched.flat();
  };

  const store = (...parts: string[]): string => join(work, "store", ...parts);
  const git = async (...args: string[]): Promise<string> => {
    const who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
    const argv = ["git", "-C", copy.folder, ...who, ...args] as const;
    return (await world.processes.run({ argv, timeoutMs: MINUTE })).stdout;
  };
  const pi = async (args: string[], env: Record<string, string> = {}): Promise<PiResult> => {
    const result = await copy.pi(args, { env: { PI_KEYS: join(work, "keys"), ...env } });
    outputs.push(result.output);
    return result;
  };
  const release = async (tag: string): Promise<PiResult> => {
    const looking = setInterval(() => {
      void findInProcesses(needles, ["cmdline"]).then((found) => inArguments.push(...found));
    }, 500);
    const result = await pi(["release", tag, "--machine", "virt", "--store", store()]);
    clearInterval(looking);
    return result;
  };
  const documentOf = async (tag: string): Promise<ReleaseDocument> =>
    releaseDocument.parse(JSON.parse(await readFile(store("releases", tag, "release.json"), "utf8")));
  const shell = async (folder: string, command: string): Promise<number> => {
    const argv = ["sh", "-c", command] as const;
    const accept = Array.from({ length: 256 }, (_, code) => code);
    return (await world.processes.run({ argv, cwd: folder, timeoutMs: MINUTE, accept })).exitCode;
  };

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "release-"));
    copy = await copyProject(cache);
    await git("init", "--quiet");
    await git("add", "--all");
    await git("commit", "--quiet", "--message=The project");
    // There now, so that they are known to the search before they are used.
    await copyTestKeys("home", join(work, "keys"));
    await pi(["manifest", "refresh", "--store", store()]);
    needles = await secretsIn(join(work, "keys-development"));
  }, 5 * MINUTE);
  afterAll(async () => {
    await copy?.remove();
    await rm(work, { recursive: true, force: true });
  });

  test(
    "the first one is built, booted, signed and published",
    async () => {
      const result = await release("v0.1.0");
      expect(result.exitCode, result.output.slice(-3_000)).toBe(0);
      latest = "v0.1.0";
      const names = ["img.zst", "raucb", "cdx.json", "buildinfo.json"].flatMap((kind) =>
        ["agent", "server"].map((profile) => `home-${profile}-rpi-arm64-0.1.0.${kind}`),
      );
      expect((await readdir(store("releases", "v0.1.0"))).sort()).toEqual(
        [...names, "SHA256SUMS", "SHA256SUMS.p7s", "notes.md", "release.json"].sort(),
      );
      const { builds, development } = await documentOf("v0.1.0");
      expect(development).toBe(true);
      expect(builds.map(({ boot }) => [boot.machine, boot.checks > 20, boot.loginSeconds > 0])).toEqual([
        ["virt", true, true],
        ["virt", true, true],
      ]);
      expect((await pi(["verify", "v0.1.0", "--store", store()])).output).toContain("all 10 files of v0.1.0");
    },
    40 * MINUTE,
  );

  test(
    "a download passes the printed commands, and with one byte changed it does not",
    async () => {
      const printed = outputs.join("").match(/^ {2}(openssl cms .*|sha256sum .*)$/gm) ?? [];
      expect(printed).toHaveLength(2);
      const commands = printed.map((line) => line.trim()).join(" && ");
      const folder = join(work, "download");
      await mkdir(folder);
      const image = "home-agent-rpi-arm64-0.1.0.img.zst";
      const wanted = [image, "SHA256SUMS", "SHA256SUMS.p7s"];
      const fetchAll = async (): Promise<void> => {
        for (const name of wanted) await copyFile(store("releases", "v0.1.0", name), join(folder, name));
      };
      await fetchAll();
      expect(await shell(folder, commands)).toBe(0);
      expect((await pi(["verify", join(folder, image), "--store", store()])).exitCode).toBe(0);
      for (const name of wanted) {
        const bytes = await readFile(join(folder, name));
        // Of the signature a byte of its value, which is at the end.
        const at = name.endsWith("p7s") ? bytes.length - 4 : Math.floor(bytes.length * 0.7);
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        await rm(join(folder, name));
        await writeFile(join(folder, name), bytes);
        expect(await shell(folder, commands), name).not.toBe(0);
        const refused = await pi(["verify", join(folder, name), "--store", store()]);
        expect([refused.exitCode, refused.output.includes(name)], refused.output).toEqual([1, true]);
        await fetchAll();
      }
    },
    5 * MINUTE,
  );

  test(
    "nodes take the bundle, with the keyring of the image itself, and not one a build job signed",
    async () => {
      if (TOOLS === undefined) throw new Error("no tools tree");
      const { builds } = await documentOf("v0.1.0");
      const build = builds.find(({ profile }) => profile === "agent");
      if (build === undefined) throw new Error("no agent");
      const disk = join(work, "disk.img");
      const packed = store("releases", "v0.1.0", build.image);
      const bytes = layout.slotA.start * SECTOR;
      const slot = join(work, "slot.ext4");
      expect(
        await shell(work, `zstd -dcq ${packed} > ${disk} && tail -c +${bytes + 1} ${disk} > ${slot}`),
      ).toBe(0);
      expect(await sha256OfFile(slot)).toBe(build.slot.sha256);
      const { stdout: keyring } = await world.processes.run({
        argv: ["debugfs", "-R", "cat /etc/rauc/keyring.pem", slot],
        timeoutMs: MINUTE,
      });
      const info = await readBundleInfo(store("releases", "v0.1.0", build.bundle), keyring, TOOLS, world);
      expect(info).toEqual({
        ...{ compatible: build.compatible, version: "0.1.0", buildId: build.buildId, slot: build.slot },
      });
      const folder = join(work, "thrown-away");
      await mkdir(folder);
      const manifest = { ...info, serial: build.serial, slotDigest: build.slot.sha256 };
      const unsigned = await makeBundle(
        { manifest, slot, folder, epoch: 1_760_000_000 },
        await throwAway(new Date(), "home"),
        TOOLS,
        world,
        quietStep,
      );
      await expect(readBundleInfo(unsigned, keyring, TOOLS, world)).rejects.toMatchObject({ code: "BUNDLE" });
      expect(await findSecrets(needles, [slot, disk])).toEqual([]);
      for (const path of [disk, slot, folder]) await rm(path, { recursive: true });
    },
    10 * MINUTE,
  );

  test(
    "the same again changes nothing and says so",
    async () => {
      const state = async (): Promise<string[]> => {
        const files = await readdir(store(), { recursive: true });
        const described = files.sort().map(async (path) => {
          const { mtimeMs, size, ino } = await stat(store(path));
          return `${path} ${size} ${mtimeMs} ${ino}`;
        });
        return Promise.all(described);
      };
      const before = await state();
      const result = await release("v0.1.0");
      expect(result.exitCode, result.output).toBe(0);
      expect(result.output).toContain("published already, from this commit: nothing is built or uploaded");
      expect(await state()).toEqual(before);
    },
    5 * MINUTE,
  );

  test(
    "a package more in agent: the notes list that one, and server is carried over",
    async () => {
      const definition = await readFile(join(copy.folder, "cluster.yaml"), "utf8");
      expect(definition).toContain("packages: [ethtool]");
      await put(copy, "cluster.yaml", definition.replace("packages: [ethtool]", "packages: [ethtool, tree]"));
      const dirty = await release("v0.1.1");
      expect([dirty.exitCode, dirty.output.includes("cluster.yaml")], dirty.output).toEqual([1, true]);
      await git("commit", "--quiet", "--all", "--message=Add tree");
      const result = await release("v0.1.1");
      expect(result.exitCode, result.output.slice(-3_000)).toBe(0);
      latest = "v0.1.1";
      const notes = await readFile(store("releases", "v0.1.1", "notes.md"), "utf8");
      expect(notes.match(/^[+-] .*$/gm)).toEqual([expect.stringMatching(/^\+ tree \S+$/)]);
      expect(notes).toContain("carried over from v0.1.0");
      const [before, after] = [await documentOf("v0.1.0"), await documentOf("v0.1.1")];
      const server = (document: ReleaseDocument) =>
        document.builds.find(({ profile }) => profile === "server");
      expect(server(after)).toEqual(server(before));
      const files = (document: ReleaseDocument) =>
        document.assets.filter(({ name }) => name.includes("-server-"));
      expect(files(after)).toEqual(files(before));
      expect(files(after)).toHaveLength(4);
      expect((await pi(["verify", "v0.1.1", "--store", store()])).exitCode).toBe(0);
      expect((await pi(["verify", "v0.1.0", "--store", store()])).exitCode).toBe(0);
    },
    40 * MINUTE,
  );

  test(
    "the same to GitHub, with these keys as the cluster's own: nothing is built, all of it is uploaded",
    async () => {
      const fake = await startGithub();
      try {
        const keys = join(work, "keys-development");
        const secret = (path: string): boolean => !/DEVELOPMENT$|public$/.test(path);
        await cp(keys, join(work, "keys"), { recursive: true, filter: secret });
        for (const name of ["ca.pem", "root.json"]) {
          await copyFile(join(keys, "public", name), join(copy.folder, "keys", name));
        }
        await git("add", "--all");
        await git("commit", "--quiet", "--message=The keys");
        const commit = (await git("rev-parse", "HEAD")).trim();
        fake.repository.tags.set("v0.2.0", { commit, annotated: false });
        const { owner, repo } = fake.repository;
        const remote = join(work, "github", owner, `${repo}.git`);
        await git("init", "--quiet", "--bare", remote);
        const env = {
          ...{ GITHUB_TOKEN: fake.token, GITHUB_API_URL: fake.apiUrl },
          GITHUB_SERVER_URL: `file://${join(work, "github")}`,
        };
        const place = `github:${owner}/${repo}`;
        const publish = () => pi(["release", "v0.2.0", "--machine", "virt", "--store", place], env);
        const first = await publish();
        expect(first.exitCode, first.output.slice(-3_000)).toBe(0);
        expect(first.steps.filter((step) => /playbook|image of|compress|boot/.test(step))).toEqual([]);
        const [published] = fake.repository.releases;
        expect(published).toMatchObject({ tag: "v0.2.0", draft: false });
        expect(published?.assets.every(({ state }) => state === "uploaded")).toBe(true);
        expect(published?.assets).toHaveLength(11);
        const uploads = [...fake.received];
        const branch = (await git("-C", remote, "ls-tree", "--name-only", "manifest")).split("\n");
        expect(branch).toEqual(expect.arrayContaining(["1.root.json", "timestamp.json", "index.html"]));
        const again = await publish();
        expect(again.exitCode, again.output).toBe(0);
        expect(again.output).toContain("nothing is built or uploaded");
        expect([...fake.received]).toEqual(uploads);
        expect(outputs.join("")).not.toContain(fake.token);
        expect(fake.problems).toEqual([]);
      } finally {
        await fake.close();
      }
    },
    20 * MINUTE,
  );

  test(
    "a version below the channel's latest is refused, and nothing private got anywhere",
    async () => {
      await git("commit", "--quiet", "--allow-empty", "--message=Later");
      const below = await release("v0.0.9");
      expect([below.exitCode, below.output.includes("--backport")], below.output).toEqual([1, true]);
      const { builds } = await documentOf(latest);
      const places = [store(), ...(await madeSince(began, ["releases", "booted", "boots"]))];
      places.push(...builds.map(({ buildId }) => join(cache, "builds", buildId)));
      expect(await findSecrets(needles, places)).toEqual([]);
      await writeFile(join(work, "output.txt"), outputs.join("\n"));
      expect(await findSecrets(needles, [join(work, "output.txt")])).toEqual([]);
      expect(inArguments).toEqual([]);
    },
    10 * MINUTE,
  );
});
