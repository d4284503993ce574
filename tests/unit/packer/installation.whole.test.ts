import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, type Zippable, zipSync } from "fflate";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256OfText } from "../../../lib/external/files.ts";
import { realWorld } from "../../../lib/external/world.ts";
import { type InstallRequest, installPacker } from "../../../lib/image/provision/packer/installation.ts";
import { hostArch, type Pins, readPins } from "../../../lib/image/provision/packer/pins.ts";
import type { Reporter } from "../../../lib/progress/reporter.ts";
import { layOutStandIn } from "../../stand-in/packer/lay-out.ts";
import { type Publisher, publish } from "./publisher.ts";

const world = realWorld(new AbortController().signal);
let folder: string;
let publisher: Publisher | undefined;
let warnings: string[];
let infos: string[];
const reporter: Reporter = {
  step: (_title, _options, work) => work({ line: () => undefined, update: () => undefined }),
  info: (text) => void infos.push(text),
  warn: (text) => void warnings.push(text),
  error: () => undefined,
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "installation-"));
  warnings = [];
  infos = [];
});
afterEach(async () => {
  await publisher?.close();
  publisher = undefined;
  await rm(folder, { recursive: true });
});

const PLUGIN = "packer-plugin-builder-arm_v1.1.6_x5.0_linux_any";

/** zipSync with a fixed time, so that the same content has the same digest. */
function zip(files: Zippable): Uint8Array {
  return zipSync(files, { mtime: "2026-01-01T00:00:00" });
}

/** A publisher of the stand-in, as zip files, and pins for it. */
async function published(
  change: { plugin?: Uint8Array; sums?: string; pluginSha256?: string | null } = {},
): Promise<Pins> {
  const given = join(folder, "given");
  await layOutStandIn(given);
  const packer = zip({ "LICENSE.txt": strToU8("x"), packer: await readFile(join(given, "packer")) });
  const plugin = change.plugin ?? zip({ [PLUGIN]: await readFile(join(given, "packer-plugin-builder-arm")) });
  const sums = change.sums ?? `${sha256OfText(plugin)}  plugin.zip\n`;
  publisher = await publish({ "/packer.zip": packer, "/plugin.zip": plugin, "/sums": strToU8(sums) });
  const { url } = publisher;
  const pinned = { url: url("/packer.zip"), sha256: sha256OfText(packer) };
  const sha256 = change.pluginSha256 === undefined ? sha256OfText(plugin) : change.pluginSha256;
  const unpinned = { url: url("/plugin.zip"), sha256 };
  const pins = await readPins();
  return {
    packer: { ...pins.packer, sums: url("/sums"), files: { x64: pinned, arm64: pinned } },
    plugin: { ...pins.plugin, sums: url("/sums"), files: { x64: unpinned, arm64: unpinned } },
  };
}

function install(pins: Pins, more: Partial<InstallRequest> = {}): ReturnType<typeof installPacker> {
  return installPacker({ pins, cacheDir: join(folder, "cache"), ...more }, world, reporter);
}

/** A program that only answers `version`. */
async function programCalled(name: string, says: string): Promise<string> {
  const at = join(folder, name);
  await mkdir(at);
  await writeFile(join(at, "packer"), `#!/bin/sh\necho '${says}'\n`);
  await chmod(join(at, "packer"), 0o755);
  return at;
}

async function installedPlugin(plugins: string): Promise<string[]> {
  return readdir(join(plugins, "github.com", "mkaczanowski", "arm"));
}

describe("installPacker", () => {
  test("from a folder somebody filled: nothing is fetched, the plugin is put where packer looks", async () => {
    const given = join(folder, "given");
    await layOutStandIn(given);
    const installation = await install(await readPins(), { folder: given });
    expect(installation).toMatchObject({ packer: join(given, "packer"), version: "1.16.0", needs: [] });
    expect(await installedPlugin(installation.plugins)).toEqual([
      `packer-plugin-arm_v1.1.0_x5.0_linux_${hostArch(process.arch) === "x64" ? "amd64" : "arm64"}`,
    ]);
  });

  test("as pinned: checked by digest, and fetched once", async () => {
    const pins = await published();
    const first = await install(pins);
    expect(first.packer.startsWith(join(folder, "cache", "packer"))).toBe(true);
    expect(await installedPlugin(first.plugins)).toHaveLength(1);
    expect(publisher?.asked).toEqual(["/packer.zip", "/plugin.zip"]);
    expect(await install(pins)).toEqual(first);
    expect(publisher?.asked).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  test("without a pinned digest the publisher's list is checked, and a warning names the digest", async () => {
    const pins = await published({ pluginSha256: null });
    await install(pins);
    expect(publisher?.asked).toEqual(["/packer.zip", "/sums", "/plugin.zip"]);
    const plugin = zip({ [PLUGIN]: await readFile(join(folder, "given", "packer-plugin-builder-arm")) });
    expect(warnings).toEqual([expect.stringContaining(sha256OfText(plugin))]);
    expect(warnings[0]).toContain("./pi pin packer");
  });

  test.each([
    ["another digest than pinned", { pluginSha256: "0".repeat(64) }, "DIGEST"],
    [
      "another digest than the publisher lists",
      { pluginSha256: null, sums: `${"0".repeat(64)}  plugin.zip\n` },
      "DIGEST",
    ],
    ["a list without the file", { pluginSha256: null, sums: "" }, "NOT_PINNED"],
    ["no zip", { plugin: strToU8("no zip") }, "ARCHIVE"],
    ["a zip without the program", { plugin: zip({ other: strToU8("x") }) }, "ARCHIVE"],
  ])("%s: nothing stays, and a later good one works", async (_name, change, code) => {
    await expect(install(await published(change))).rejects.toMatchObject({ code });
    const left = await readdir(join(folder, "cache", "packer"));
    expect(left.filter((name) => !name.endsWith(".lock"))).toEqual([]);
    await publisher?.close();
    await expect(install(await published())).resolves.toMatchObject({ version: "1.16.0" });
  });

  test("the packer on the search path is used when its version is accepted", async () => {
    const pins = await published();
    const old = await programCalled("old", "Packer v1.9.0");
    const other = await programCalled("other", "usage: packer dictionary");
    const given = join(folder, "given");
    const installation = await install(pins, { searchPath: `relative:${old}:${other}:${given}` });
    expect(installation.packer).toBe(join(given, "packer"));
    expect(publisher?.asked).toEqual(["/plugin.zip"]);
    expect(infos.join("\n")).toMatch(/is version 1\.9\.0, accepted is >=1\.16\.0 <2: not used/);
    expect(infos.join("\n")).toMatch(/is not HashiCorp's packer/);
  });

  test("a folder without the programs is named", async () => {
    const failing = install(await readPins(), { folder: join(folder, "nothing") });
    await expect(failing).rejects.toMatchObject({
      code: "INSTALLATION",
      fix: expect.stringContaining("PI_PACKER_DIR"),
    });
  });

  test("a packer that is too old in the folder given is refused", async () => {
    const given = await programCalled("given-old", "Packer v1.9.0");
    await writeFile(join(given, "packer-plugin-builder-arm"), "");
    await expect(install(await readPins(), { folder: given })).rejects.toMatchObject({
      code: "INSTALLATION",
    });
  });
});
