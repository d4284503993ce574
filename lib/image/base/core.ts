import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { asset } from "../../external/assets.ts";
import { sha256OfFile, sha256OfText } from "../../external/files.ts";
import type { World } from "../../external/world.ts";
import type { Reporter, Step } from "../../progress/reporter.ts";
import { aptOptions, gaveUp } from "../archive/apt-settings.ts";
import { type Archive, type ArchiveChoice, archiveArguments } from "../archive/archive.ts";
import { formatResolution, type ResolvedPackage } from "../archive/resolution.ts";
import { type CacheEntry, ensureCached, readDone } from "../cache.ts";
import { ImageError } from "../failure.ts";
import { network, timeouts } from "../limits.ts";
import { canonicalTarArguments } from "../provision/canonical-tar.ts";
import { explainMmdebstrap, KEYRING } from "../tools/ensure.ts";
import type { ToolsTree } from "../tools/tree.ts";

export const SCRIPTS = asset("lib", "image", "base");

export type Speed = "native" | "plain";

/** What runs a build's steps; the same for all its steps. */
export interface Workshop {
  readonly tools: ToolsTree;
  readonly cacheDir: string;
  readonly world: World;
  readonly reporter: Reporter;
  /** `plain`: nothing native inside foreign roots. Slower, and must give the same bytes. */
  readonly speed: Speed;
}

export interface CoreRequest {
  readonly choice: ArchiveChoice;
  readonly archive: Archive;
  readonly packages: readonly ResolvedPackage[];
  readonly firmware: readonly ResolvedPackage[];
  readonly board: string;
}

/** dpkg's options for a board: what of the packages stays out of a slot. */
export const leftOut = (board: string): string => asset("boards", board, "left-out.cfg");

/** The packages every node of a board has, as a tar, and the board's firmware files. */
export interface Core {
  readonly key: string;
  readonly tar: string;
  readonly firmware: string;
  /** Seconds since 1970; of the archive state it was made from. */
  readonly epoch: number;
  readonly reused: boolean;
}

/** Files whose content shapes the core. */
export const CORE_SCRIPTS = ["native-tools.sh", "quiet-initramfs.sh", "scrub.sh", "dpkg.cfg", "firmware.sh"];

/** Makes the core or takes it from the cache. Throws ImageError BASE or ARCHIVE. */
export async function ensureCore(
  request: CoreRequest,
  workshop: Workshop,
  scriptsDigest: string,
): Promise<Core> {
  const key = sha256OfText(
    JSON.stringify([
      "core",
      request.choice,
      formatResolution(request.packages),
      formatResolution(request.firmware),
      await sha256OfFile(leftOut(request.board)),
      workshop.tools.digest,
      scriptsDigest,
    ]),
  );
  const { cacheDir, world, reporter } = workshop;
  const entry = await ensureCached(
    {
      cacheDir,
      room: workshop.speed === "plain" ? "core-plain" : "core",
      key,
      about: {
        epoch: request.archive.epoch,
        packages: request.packages.map((p) => `${p.name}=${p.version}`),
      },
      make: (folder) =>
        reporter.step(titled("core system", workshop), {}, (step) =>
          makeCore(folder, request, workshop, step),
        ),
    },
    world,
    reporter,
  );
  return coreIn(entry, cacheDir, workshop.speed === "plain" ? "core-plain" : "core", key);
}

/** The core that a finished entry of the cache holds. Its epoch is that of the archive it was made from. */
export async function coreIn(entry: CacheEntry, cacheDir: string, room: string, key: string): Promise<Core> {
  const done = (await readDone(cacheDir, room, key)) as { epoch: number };
  return {
    key,
    tar: join(entry.folder, "core.tar"),
    firmware: join(entry.folder, "firmware"),
    epoch: done.epoch,
    reused: entry.reused,
  };
}

/** A step's title; plain runs have durations of their own. */
export function titled(title: string, workshop: Workshop): string {
  return workshop.speed === "plain" ? `${title} (plain)` : title;
}

async function makeCore(folder: string, request: CoreRequest, workshop: Workshop, step: Step): Promise<void> {
  const root = join(folder, "root");
  const output: string[] = [];
  try {
    await mmdebstrap(root, folder, request, workshop, step, output);
    await workshop.world.processes.run(
      inTools(workshop, request.archive, ["sh", join(SCRIPTS, "firmware.sh"), join(folder, "firmware")], {
        more: request.firmware.map(pinned),
        folder,
        step,
        output,
      }),
    );
  } catch (cause) {
    const now = workshop.world.clock.now();
    throw explainMmdebstrap("BASE", "the core system could not be made", { output, cause, now });
  }
  step.update("packing");
  await packTree(root, join(folder, "core.tar"), request.archive.epoch, workshop);
  await rm(root, { recursive: true, force: true });
}

async function mmdebstrap(
  root: string,
  folder: string,
  request: CoreRequest,
  workshop: Workshop,
  step: Step,
  output: string[],
): Promise<void> {
  const script = (name: string, argument: string): string => `sh '${join(SCRIPTS, name)}' ${argument} "$1"`;
  const native = workshop.speed === "native" && process.arch !== "arm64";
  const hooks = [
    `--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/home-pi.conf"`,
    `--essential-hook=${script("quiet-initramfs.sh", "on")}`,
    ...(native ? [`--essential-hook=${script("native-tools.sh", "on")}`] : []),
    ...(native ? [`--customize-hook=${script("native-tools.sh", "off")}`] : []),
    `--customize-hook=${script("quiet-initramfs.sh", "off")}`,
    `--customize-hook=sh '${join(SCRIPTS, "scrub.sh")}' "$1"`,
  ];
  const argv = [
    ...["mmdebstrap", "--verbose", "--variant=essential", "--mode=root", "--format=directory"],
    ...[`--architectures=${request.choice.architecture}`, "--components=main,non-free-firmware"],
    ...aptOptions,
    ...[`--keyring=${KEYRING}`, `--dpkgopt=${join(SCRIPTS, "dpkg.cfg")}`],
    ...[`--dpkgopt=${leftOut(request.board)}`, ...hooks],
    `--include=${request.packages.map(pinned).join(",")}`,
    ...archiveArguments(request.choice, root),
  ] as const;
  const progress = installProgress(request.packages.length, step);
  await workshop.world.processes.run(
    inTools(workshop, request.archive, argv as readonly [string, ...string[]], {
      folder,
      step,
      output,
      progress,
    }),
  );
}

const pinned = (entry: ResolvedPackage): string => `${entry.name}=${entry.version}`;

/** Reads how far apt is from what dpkg says: every package is unpacked once and set up once. */
export function installProgress(packages: number, step: Step): (line: string) => void {
  let seen = 0;
  return (line) => {
    const match = /^(Unpacking|Setting up|I:) (\S+)/.exec(line);
    if (match === null) return;
    if (match[1] !== "I:") seen += 1;
    const text = match[1] === "I:" ? line.slice(3) : `${match[1] ?? ""} ${match[2] ?? ""}`;
    step.update(text, Math.min(0.98, seen / (2 * packages)));
  };
}

interface ToolOptions {
  readonly folder: string;
  readonly step: Step;
  readonly output: string[];
  readonly more?: readonly string[];
  /** Further folders it reads. */
  readonly binds?: readonly string[];
  readonly progress?: (line: string) => void;
}

/** A command of the base, in the tools tree, with apt's configuration, the scripts and the folder it fills. */
export function inTools(
  workshop: Workshop,
  archive: Archive,
  argv: readonly [string, ...string[]],
  options: ToolOptions,
): Parameters<World["processes"]["run"]>[0] {
  return workshop.tools.command([...argv, ...(options.more ?? [])], {
    binds: [
      { source: options.folder },
      { source: archive.folder },
      { source: asset(), readOnly: true },
      ...(options.binds ?? []).map((source) => ({ source, readOnly: true })),
    ],
    env: {
      APT_CONFIG: join(archive.folder, "apt.conf"),
      SOURCE_DATE_EPOCH: String(archive.epoch),
      DEBIAN_FRONTEND: "noninteractive",
      LC_ALL: "C.UTF-8",
    },
    timeoutMs: timeouts.base,
    signal: workshop.world.signal,
    hopelessAt: gaveUp(),
    graceMs: network.lastWordsMs,
    onLine: (line) => {
      options.output.push(line);
      options.step.line(line);
      options.progress?.(line);
    },
  });
}

/** Packs a root into the canonical tar at `target`. */
export async function packTree(
  root: string,
  target: string,
  epoch: number,
  workshop: Workshop,
): Promise<void> {
  const folder = join(target, "..");
  await mkdir(folder, { recursive: true });
  await workshop.world.processes
    .run(
      workshop.tools.command(
        ["tar", ...canonicalTarArguments(epoch), "--file", target, "--directory", root, "."],
        {
          binds: [
            { source: folder },
            ...(root.startsWith(`${folder}/`) ? [] : [{ source: root, readOnly: true }]),
          ],
          env: { LC_ALL: "C" },
          timeoutMs: timeouts.assemble,
          signal: workshop.world.signal,
        },
      ),
    )
    .catch((cause) => {
      throw new ImageError("BASE", `the tree at ${root} could not be packed`, { cause });
    });
}
