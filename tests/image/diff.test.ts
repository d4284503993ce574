import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { diffImages } from "../../lib/diff/diff.ts";
import { type Change, type ImageDiff, imageDiffSchema } from "../../lib/diff/schema.ts";
import { readSlot } from "../../lib/diff/slot.ts";
import { BOOT_STATE_OFFSETS, encodeBootState } from "../../lib/emulator/boot-state.ts";
import { type Bench, P1_OFFSET, runTool } from "../../lib/emulator/disk.ts";
import { findBuiltImage } from "../../lib/emulator/find-image.ts";
import { assetsRoot } from "../../lib/external/assets.ts";
import { listTree, sha256OfText } from "../../lib/external/files.ts";
import { readRange } from "../../lib/external/ranges.ts";
import { layout, SECTOR } from "../../lib/image/assemble/layout.ts";
import { cacheDir, quietStep, testTools, world } from "./surroundings.ts";

const tools = cacheDir === undefined ? undefined : await testTools();
const SLOT_OFFSET = layout.slotA.start * SECTOR;
const UNTOUCHED = { packages: [], paths: [], boot: [], disk: [], bytes: [] };

describe.runIf(tools !== undefined)("an image and a copy of it that was changed", () => {
  let folder: string;
  let bench: Bench;
  /** The last build of the agent, unpacked. */
  let image: string;
  let packed: string;
  let copy: string;

  beforeAll(async () => {
    if (tools === undefined) throw new Error("no tools");
    folder = await mkdtemp(join(tmpdir(), "diff-"));
    bench = { tools, world, work: folder };
    const wanted = { cluster: "home", profile: "agent", board: "rpi-arm64" };
    packed = (await findBuiltImage(cacheDir ?? "", wanted)).image;
    await copyFile(packed, join(folder, "one.img.zst"));
    image = join(folder, "one.img");
    await runTool(bench, ["zstd", "-d", "-q", "--sparse", `${image}.zst`, "-o", image]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    copy = join(folder, "other.img");
    await runTool(bench, ["cp", "--sparse=always", image, copy]);
  });
  afterEach(async () => {
    for (const scratch of [join(folder, "scratch"), join(cacheDir ?? "", "scratch")]) {
      expect((await readdir(scratch).catch(() => [])).filter((name) => name.startsWith("diff-"))).toEqual([]);
    }
  });

  async function debugfs(...commands: readonly string[]): Promise<void> {
    const file = join(folder, "commands");
    await writeFile(file, `${commands.join("\n")}\n`);
    await runTool(bench, ["debugfs", "-w", "-f", file, `${copy}?offset=${SLOT_OFFSET}`]);
  }

  /** Turns over one bit at a place of the copy. */
  async function change(offset: number): Promise<void> {
    const [before = 0] = await readRange(copy, offset, 1);
    await write(offset, Buffer.from([before ^ 1]));
  }

  async function write(offset: number, bytes: Uint8Array): Promise<void> {
    const handle = await open(copy, "r+");
    try {
      await handle.write(bytes, 0, bytes.length, offset);
    } finally {
      await handle.close();
    }
  }

  async function compare(first = image, second = copy): Promise<ImageDiff> {
    const options = { images: [first, second] as const, scratch: join(folder, "scratch") };
    const diff = await diffImages(options, bench.tools, world, quietStep);
    expect(imageDiffSchema.parse(JSON.parse(JSON.stringify(diff)))).toEqual(diff);
    return diff;
  }
  /** As a person does it; the scratch folder is then below the cache. */
  async function command(...args: readonly string[]): Promise<{ exitCode: number; stdout: string }> {
    const argv = [process.execPath, join(assetsRoot, "cli/main.ts"), "diff", ...args] as const;
    const env = { PI_CACHE: cacheDir ?? "", CI: "true" };
    return world.processes.run({ argv: [...argv], env, timeoutMs: 300_000, accept: [0, 1, 2] });
  }
  const aspectsOf = (changes: readonly Change[]) =>
    changes.map(({ name, change: kind, aspects }) => [name, kind, aspects.map(({ aspect }) => aspect)]);

  test("are equal before the change, packed or not", async () => {
    expect(await compare(packed, copy)).toMatchObject({ equal: true, ...UNTOUCHED });
    expect(await command("agent", copy)).toMatchObject({
      ...{ exitCode: 0, stdout: "disk.img.zst and other.img are equal\n" },
    });
  });

  test("hold the content that debugfs takes out of them", async () => {
    const dump = join(folder, "dump");
    await mkdir(dump);
    await runTool(bench, ["debugfs", "-R", `rdump / ${dump}`, `${copy}?offset=${SLOT_OFFSET}`]);
    const work = join(folder, "work");
    await mkdir(work);
    const place = { tools: bench.tools, world, work, image: copy, name: "the copy" };
    const slot = { offset: SLOT_OFFSET, bytes: 0, type: 0x83 };
    const { paths, packages } = await readSlot(place, slot);
    const wrong: string[] = [];
    for (const [path, { kind, content, target, mode, owner }] of paths) {
      const { mode: bits = 0, uid, gid } = (await lstat(join(dump, path)).catch(() => undefined)) ?? {};
      if (kind === "file" && content !== sha256OfText(await readFile(join(dump, path)))) wrong.push(path);
      if (kind === "link" && target !== (await readlink(join(dump, path)))) wrong.push(path);
      // What it takes out loses the bits for another user when it is given its owner.
      if (kind === "file" && (bits & 0o777) !== (Number.parseInt(mode ?? "", 8) & 0o777)) wrong.push(path);
      if (kind === "file" && owner !== `${uid}:${gid}`) wrong.push(path);
    }
    expect(wrong).toEqual([]);
    // debugfs takes no devices out.
    const taken = [...paths].filter(([, { device }]) => device === undefined).map(([path]) => path.slice(1));
    expect(taken.sort()).toEqual((await listTree(dump)).map(({ path }) => path));
    expect(packages.get("ethtool:arm64")).toEqual({ version: expect.stringMatching(/^1:6/) as string });
    await rm(dump, { recursive: true });
  });

  test("in one byte of one file: that path, its content, nothing else", async () => {
    const { stdout } = await runTool(bench, [
      ...(["debugfs", "-R", "blocks /usr/lib/home-pi/health"] as const),
      `${copy}?offset=${SLOT_OFFSET}`,
    ]);
    const block = Number(stdout.trim().split(" ")[0]);
    expect(block).toBeGreaterThan(0);
    await change(SLOT_OFFSET + block * 4096 + 5);
    const { exitCode, stdout: text } = await command("--json", `${image}.zst`, copy);
    expect(exitCode).toBe(1);
    const diff = imageDiffSchema.parse(JSON.parse(text));
    expect(diff).toMatchObject({ ...UNTOUCHED, equal: false, paths: [{}] });
    expect(aspectsOf(diff.paths)).toEqual([["/usr/lib/home-pi/health", "changed", ["content"]]]);
  });

  test("in mode, owner, time, target, attributes, kind and device: each path with what it is", async () => {
    await debugfs(
      "set_inode_field /etc/hosts mode 0100600",
      "set_inode_field /etc/fstab uid 7",
      "set_inode_field /etc/issue mtime @1",
      "ea_set /etc/services user.note hello",
      "rm /etc/motd",
      "mkdir /opt/new",
      "unlink /bin",
      "symlink /bin usr/sbin",
      "cd /opt",
      "mknod device c 1 3",
    );
    const diff = await compare();
    expect(diff).toMatchObject({ ...UNTOUCHED, paths: expect.anything() as Change[] });
    const aspects = aspectsOf(diff.paths);
    expect(aspects).toEqual([
      ["/bin", "changed", expect.arrayContaining(["target"])],
      ["/etc/fstab", "changed", ["owner"]],
      ["/etc/hosts", "changed", ["mode"]],
      ["/etc/issue", "changed", ["time"]],
      ["/etc/motd", "removed", expect.arrayContaining(["kind", "content"])],
      ["/etc/services", "changed", ["attributes"]],
      ["/opt/device", "added", expect.arrayContaining(["kind", "device"])],
      ["/opt/new", "added", expect.arrayContaining(["kind"])],
    ]);
  });

  test("in a package's version: the package, and the path of dpkg's records", async () => {
    const status = join(folder, "status");
    await runTool(bench, [
      "debugfs",
      "-R",
      `dump /var/lib/dpkg/status ${status}`,
      `${copy}?offset=${SLOT_OFFSET}`,
    ]);
    await runTool(bench, ["sed", "-i", "/^Package: ethtool$/,/^$/s/^Version: .*/Version: 99/", status]);
    await debugfs("rm /var/lib/dpkg/status", `write ${status} /var/lib/dpkg/status`);
    const diff = await compare();
    expect(diff.packages).toEqual([
      {
        name: "ethtool:arm64",
        change: "changed",
        aspects: [{ aspect: "version", from: expect.stringMatching(/^1?:?6/) as string, to: "99" }],
      },
    ]);
    expect(diff.paths.map(({ name }) => name)).toEqual(["/var/lib/dpkg/status"]);
  });

  test("in both copies of the boot state and the partition table: each with what it is", async () => {
    await change(BOOT_STATE_OFFSETS[0]);
    const state = { BOOT_ORDER: "A B", BOOT_A_LEFT: "3", BOOT_B_LEFT: "0", FRESH: "1", CONTRACT: "1" };
    await write(BOOT_STATE_OFFSETS[1], encodeBootState(state));
    const typeOfSlotB = 446 + 2 * 16 + 4;
    await change(typeOfSlotB);
    const { disk, ...rest } = await compare();
    expect(disk.map(({ name, change: kind }) => [name, kind])).toEqual([
      ["boot state, copy 1", "changed"],
      ["boot state, copy 2", "changed"],
      ["partition table, partition 3", "changed"],
    ]);
    const [first, second, third] = disk.map(({ aspects }) => aspects);
    expect(first).toContainEqual({ aspect: "checksum", from: "right", to: "wrong" });
    expect(second).toEqual([{ aspect: "BOOT_ORDER", from: "A", to: "A B" }]);
    expect(third).toEqual([{ aspect: "type", from: "0x83", to: "0x82" }]);
    expect(rest).toMatchObject({ packages: [], paths: [], boot: [], bytes: [] });
  });

  test("in p1: the file, and what is new there", async () => {
    const config = join(folder, "config.txt");
    const fat = `${copy}@@${P1_OFFSET}`;
    await runTool(bench, ["mcopy", "-m", "-n", "-i", fat, "::config.txt", config]);
    await runTool(bench, ["sh", "-c", 'echo "# changed" >>"$1"', "sh", config]);
    await runTool(bench, ["mcopy", "-o", "-i", fat, config, "::config.txt"]);
    await runTool(bench, ["mcopy", "-i", fat, config, "::keep-data"]);
    const { boot, ...rest } = await compare();
    expect(aspectsOf(boot)).toEqual([
      ["config.txt", "changed", ["content", "size", "time"]],
      ["keep-data", "added", ["kind", "content", "size", "time"]],
    ]);
    expect(rest).toMatchObject({ packages: [], paths: [], disk: [], bytes: [] });
  });

  test("in bytes that belong to nothing: their place", async () => {
    const places = [100, 3000, P1_OFFSET - 1];
    for (const place of places) await change(place);
    const diff = await compare();
    expect(diff).toMatchObject({ ...UNTOUCHED, equal: false, bytes: expect.anything() as unknown[] });
    expect(diff.bytes).toEqual([
      { region: "partition table", ranges: [{ offset: 100, bytes: 1 }], more: 0 },
      {
        region: "outside of these",
        ranges: [
          { offset: 3000, bytes: 1 },
          { offset: P1_OFFSET - 1, bytes: 1 },
        ],
        more: 0,
      },
    ]);
  });

  test("beyond what can be read is refused with a reason", async () => {
    // debugfs takes the whole path for a name.
    await debugfs("mknod /opt/device c 1 3");
    await expect(compare()).rejects.toMatchObject({
      code: "FILE_SYSTEM",
      message: "slot A of other.img holds names that cannot be read",
    });
    await write(SLOT_OFFSET + 1024, Buffer.alloc(1024));
    await expect(compare()).rejects.toMatchObject({
      code: "FILE_SYSTEM",
      message: "slot A of other.img holds no ext4 file system",
    });
    await write(446, Buffer.alloc(66));
    await expect(compare()).rejects.toMatchObject({ code: "LAYOUT" });
    await truncate(copy, 100);
    await expect(compare()).rejects.toMatchObject({ code: "LAYOUT" });
  });
});
