import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile, sha256OfText } from "../../../external/files.ts";
import type { World } from "../../../external/world.ts";
import type { Reporter } from "../../../progress/reporter.ts";
import { ensureCached } from "../../cache.ts";
import { packerEnvironment } from "./environment.ts";
import { hostArch, type Pins } from "./pins.ts";
import { acceptedVersion, fetchProgram, type Programs, packerOnPath, programsIn } from "./programs.ts";

/** Packer with the plugin, ready to run. */
export interface PackerInstallation {
  /** Absolute path of the program. */
  readonly packer: string;
  /** Folder for PACKER_PLUGIN_PATH. */
  readonly plugins: string;
  readonly version: string;
  /** Further absolute paths the program must find at the same place when it runs in the tools tree. */
  readonly needs: readonly string[];
}

export interface InstallRequest {
  readonly pins: Pins;
  readonly cacheDir: string;
  /** Folder with `packer` and `packer-plugin-builder-arm*`, used instead of anything else. */
  readonly folder?: string | undefined;
  /** Where a packer may be taken from, in the form of PATH. */
  readonly searchPath?: string | undefined;
}

const INSTALL_TIMEOUT_MS = 60_000;
const FOUND = "installation.json";

type Source =
  | { readonly kind: "given"; readonly programs: Programs }
  | { readonly kind: "pinned"; readonly packer: string | undefined };

async function sourceOf(request: InstallRequest, world: World, reporter: Reporter): Promise<Source> {
  if (request.folder !== undefined) return { kind: "given", programs: await programsIn(request.folder) };
  const packer = await packerOnPath(request.searchPath ?? "", request.pins, world, reporter);
  return { kind: "pinned", packer };
}

/** SHA-256 over what the installation consists of: the programs given, or what is pinned. */
async function keyOf(source: Source, pins: Pins): Promise<string> {
  const arch = hostArch(process.arch);
  if (source.kind === "given") {
    const { packer, plugin } = source.programs;
    return sha256OfText(JSON.stringify([packer, await sha256OfFile(packer), await sha256OfFile(plugin)]));
  }
  const packer =
    source.packer === undefined
      ? pins.packer.files[arch]
      : [source.packer, await sha256OfFile(source.packer)];
  return sha256OfText(JSON.stringify([packer, pins.plugin.files[arch], pins.plugin.source]));
}

async function obtain(
  source: Source,
  folder: string,
  pins: Pins,
  world: World,
  reporter: Reporter,
): Promise<Programs> {
  if (source.kind === "given") return source.programs;
  const arch = hostArch(process.arch);
  const packer = source.packer ?? join(folder, "packer");
  if (source.packer === undefined)
    await fetchProgram({ pins, tool: "packer", arch }, packer, world, reporter);
  const plugin = join(folder, "packer-plugin-builder-arm");
  await fetchProgram({ pins, tool: "plugin", arch }, plugin, world, reporter);
  return { packer, plugin };
}

/**
 * Packer and the plugin: both from the folder given; or the packer on the search path, when its version is
 * accepted, and the pinned plugin; or both as pinned, checked by digest. Kept in the cache, so a second call
 * fetches nothing. Throws PackerError, DownloadError.
 */
export async function installPacker(
  request: InstallRequest,
  world: World,
  reporter: Reporter,
): Promise<PackerInstallation> {
  const { pins, cacheDir } = request;
  const source = await sourceOf(request, world, reporter);
  const make = async (folder: string): Promise<void> => {
    const { packer, plugin } = await obtain(source, folder, pins, world, reporter);
    const version = await acceptedVersion(packer, pins, world);
    await mkdir(join(folder, "plugins"));
    await world.processes.run({
      argv: [packer, "plugins", "install", "--path", plugin, pins.plugin.source],
      env: {
        ...packerEnvironment(join(folder, "config"), join(folder, "plugins")),
        HOME: folder,
        TMPDIR: folder,
      },
      timeoutMs: INSTALL_TIMEOUT_MS,
      signal: world.signal,
    });
    // The folder gets another name when it is whole: a program inside is noted by its name only.
    const found = { packer: packer.startsWith(`${folder}/`) ? "packer" : packer, version };
    await writeFile(join(folder, FOUND), `${JSON.stringify(found, null, 2)}\n`);
  };
  const key = await keyOf(source, pins);
  const about = { packer: pins.packer.version, plugin: pins.plugin.version };
  const { folder } = await ensureCached({ cacheDir, room: "packer", key, about, make }, world, reporter);
  const found = JSON.parse(await readFile(join(folder, FOUND), "utf8")) as {
    packer: string;
    version: string;
  };
  const packer = found.packer.startsWith("/") ? found.packer : join(folder, found.packer);
  return { packer, plugins: join(folder, "plugins"), version: found.version, needs: [] };
}
