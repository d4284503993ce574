import { chmod, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { unzipSync } from "fflate";
import semver from "semver";
import { download } from "../../../external/download.ts";
import { exists } from "../../../external/files.ts";
import type { World } from "../../../external/world.ts";
import { messageOf } from "../../../failure.ts";
import type { Reporter } from "../../../progress/reporter.ts";
import { packerEnvironment } from "./environment.ts";
import { PackerError } from "./failure.ts";
import { fileName, type HostArch, type PinnedTool, type Pins } from "./pins.ts";
import { fetchSums } from "./sums.ts";

/** The two programs, by absolute path. */
export interface Programs {
  readonly packer: string;
  readonly plugin: string;
}

const MAX_ZIP_BYTES = 400 * 1024 * 1024;
const DOWNLOAD_TIMEOUT_MS = 20 * 60_000;
const VERSION_TIMEOUT_MS = 60_000;
const PLUGIN_PROGRAM = /^packer-plugin-(?:builder-)?arm/;

/** What `packer version` says, such as 1.16.0, where that is accepted. Throws PackerError INSTALLATION. */
export async function acceptedVersion(packer: string, pins: Pins, world: World): Promise<string> {
  const { stdout } = await world.processes.run({
    argv: [packer, "version"],
    env: packerEnvironment("/nonexistent", "/nonexistent"),
    timeoutMs: VERSION_TIMEOUT_MS,
    signal: world.signal,
  });
  const version = /^Packer v(\S+)/m.exec(stdout)?.[1];
  if (version !== undefined && semver.satisfies(version, pins.packer.accepts)) return version;
  const is = version === undefined ? "is not HashiCorp's packer" : `is version ${version}`;
  throw new PackerError("INSTALLATION", `${packer} ${is}, accepted is ${pins.packer.accepts}`, {
    fix: `install packer ${pins.packer.version}, or leave PI_PACKER_DIR unset to have it fetched`,
  });
}

/** Both programs in a folder somebody filled. Throws PackerError INSTALLATION. */
export async function programsIn(folder: string): Promise<Programs> {
  const plugin = (await readdir(folder).catch(() => [])).sort().find((name) => PLUGIN_PROGRAM.test(name));
  const packer = join(folder, "packer");
  if (plugin !== undefined && (await exists(packer))) return { packer, plugin: join(folder, plugin) };
  throw new PackerError("INSTALLATION", `${folder} does not hold packer and packer-plugin-builder-arm`, {
    fix: "put both programs into the folder that PI_PACKER_DIR names",
  });
}

/** Packer on a search path (as in PATH), where its version is accepted; undefined where there is none. */
export async function packerOnPath(
  searchPath: string,
  pins: Pins,
  world: World,
  reporter: Reporter,
): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter)) {
    const packer = join(folder, "packer");
    if (!folder.startsWith("/") || !(await exists(packer))) continue;
    try {
      await acceptedVersion(packer, pins, world);
      return await realpath(packer);
    } catch (error) {
      world.signal.throwIfAborted();
      reporter.info(`${messageOf(error)}: not used`);
    }
  }
  return undefined;
}

/** Takes the program out of a publisher's zip: the one entry `isProgram` knows. Throws PackerError ARCHIVE. */
export function programInZip(
  zip: Uint8Array,
  isProgram: (name: string) => boolean,
  name: string,
): Uint8Array {
  let found: Uint8Array[];
  try {
    found = Object.values(unzipSync(zip, { filter: (entry) => isProgram(entry.name) }));
  } catch (cause) {
    throw new PackerError("ARCHIVE", `${name} is not a zip file`, { cause });
  }
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  throw new PackerError("ARCHIVE", `${name} holds ${found.length} programs where one was expected`);
}

/** The digest a pinned file must have; where none is pinned, what its publisher's list says, with a warning. */
async function expectedDigest(
  pinned: PinnedFile,
  folder: string,
  world: World,
  reporter: Reporter,
): Promise<string> {
  const { files, sums } = pinned.pins[pinned.tool];
  const { url, sha256 } = files[pinned.arch];
  if (sha256 !== null) return sha256;
  const published = (await fetchSums(sums, folder, world)).get(fileName(url));
  if (published === undefined) {
    throw new PackerError("NOT_PINNED", `no digest is pinned for ${fileName(url)}, and ${sums} names none`, {
      fix: "pin its sha256 in packer/pins.json",
    });
  }
  reporter.warn(
    `${fileName(url)} is not pinned: its publisher's list is believed, sha256 ${published}; ./pi pin packer pins it`,
    { file: "packer/pins.json" },
  );
  return published;
}

export interface PinnedFile {
  readonly pins: Pins;
  readonly tool: PinnedTool;
  readonly arch: HostArch;
}

/** Fetches a pinned zip, checks it, and puts the program it holds at `to`. Throws PackerError, DownloadError. */
export async function fetchProgram(
  pinned: PinnedFile,
  to: string,
  world: World,
  reporter: Reporter,
): Promise<void> {
  const { url } = pinned.pins[pinned.tool].files[pinned.arch];
  const zip = `${to}.zip`;
  const sha256 = await expectedDigest(pinned, dirname(to), world, reporter);
  await reporter.step(`fetch ${fileName(url)}`, {}, async (step) => {
    const onProgress = (bytes: number, total: number | undefined): void => {
      step.update(`${Math.round(bytes / 1e6)} MB`, total === undefined ? undefined : bytes / total);
    };
    const limits = { maxBytes: MAX_ZIP_BYTES, timeoutMs: DOWNLOAD_TIMEOUT_MS };
    await download({ url, to: zip, sha256, ...limits, signal: world.signal, onProgress });
  });
  const isProgram = (name: string): boolean =>
    pinned.tool === "packer" ? name === "packer" : PLUGIN_PROGRAM.test(name);
  await writeFile(to, programInZip(await readFile(zip), isProgram, fileName(url)));
  await chmod(to, 0o755);
  await rm(zip);
}
