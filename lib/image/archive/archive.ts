import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { readTextIfPresent, sha256OfText, writeAtomically } from "../../external/files.ts";
import { acquireLock } from "../../external/lock.ts";
import type { World } from "../../external/world.ts";
import type { Reporter, Step } from "../../progress/reporter.ts";
import { ensureCached } from "../cache.ts";
import { network, timeouts } from "../limits.ts";
import { explainMmdebstrap, KEYRING } from "../tools/ensure.ts";
import type { ToolsTree } from "../tools/tree.ts";
import { APT_SETTINGS, aptOptions, gaveUp } from "./apt-settings.ts";
import {
  formatResolution,
  newestReleaseDate,
  parsePrintUris,
  parseResolution,
  type ResolvedPackage,
} from "./resolution.ts";

export interface ArchiveChoice {
  readonly suite: string;
  /** `20261115T000000Z`: the archive as it was then. Undefined: as it is now. */
  readonly snapshot: string | undefined;
  readonly architecture: string;
}

/** The Debian archive as one run sees it: its signed Release files, read once. */
export interface Archive {
  /** Folder with apt's configuration and lists (apt.conf, skel/). */
  readonly folder: string;
  /** Seconds since 1970 of the newest Release file: no file of an image is newer. */
  readonly epoch: number;
  /** SHA-256 over the signed Release files. */
  readonly state: string;
  /** What installing `names` on top of the essential set brings. */
  resolve(names: readonly string[]): Promise<ResolvedPackage[]>;
  /** What downloading `names` alone brings, dependencies left out. */
  resolveAlone(names: readonly string[]): Promise<ResolvedPackage[]>;
}

/** mmdebstrap's arguments behind the options: suite, target, and where a date is pinned, the sources. */
export function archiveArguments(choice: ArchiveChoice, target: string): string[] {
  if (choice.snapshot === undefined) return [choice.suite, target];
  const from = "https://snapshot.debian.org/archive";
  const line = (archive: string, suite: string): string =>
    `deb [check-valid-until=no] ${from}/${archive}/${choice.snapshot} ${suite} main non-free-firmware`;
  return [
    choice.suite,
    target,
    line("debian", choice.suite),
    line("debian", `${choice.suite}-updates`),
    line("debian-security", `${choice.suite}-security`),
  ];
}

const CONFIGURATION = (folder: string, architecture: string): string => `Dir "${folder}/skel";
Dir::Etc::TrustedParts "${KEYRING}";
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::ForceHash "sha256";
${APT_SETTINGS.join("\n")}
`;

/**
 * Opens the archive: signed lists are fetched anew only where they changed (under a second when they did not).
 * Selections are kept by the state of the Release files, so that an unchanged archive is not resolved again.
 * Throws ImageError ARCHIVE.
 */
export async function openArchive(
  choice: ArchiveChoice,
  tools: ToolsTree,
  cacheDir: string,
  world: World,
  reporter: Reporter,
): Promise<Archive> {
  const key = sha256OfText(JSON.stringify([choice, tools.digest]));
  const run = (argv: readonly [string, ...string[]], folder: string, timeoutMs: number = timeouts.archive) =>
    runArchiveTool(argv, folder, tools, world, timeoutMs);
  const entry = await ensureCached(
    {
      cacheDir,
      room: "archive",
      key,
      about: { ...choice },
      make: (folder) =>
        reporter.step("package lists", {}, async (step) => {
          await makeSkeleton(folder, choice, tools, world, step);
        }),
    },
    world,
    reporter,
  );
  const { folder } = entry;
  const lock = await acquireLock(world.processes, {
    file: `${folder}.lock`,
    mode: "exclusive",
    signal: world.signal,
    onWait: () => reporter.info("waiting for another run that is fetching package lists"),
  });
  try {
    // Written at each opening: the folder may have been moved, the keyring may have. Whole at once: another
    // run's apt may be reading it.
    await writeAtomically(join(folder, "apt.conf"), CONFIGURATION(folder, choice.architecture));
    await run(["apt-get", "update", "--error-on=any"], folder);
  } finally {
    await lock?.release();
  }
  const lists = join(folder, "skel/var/lib/apt/lists");
  const names = (await readdir(lists)).filter((name) => name.endsWith("_InRelease")).sort();
  const releases = await Promise.all(names.map((name) => readFile(join(lists, name), "utf8")));
  const state = sha256OfText(releases.map(sha256OfText).join());
  const kept = (kind: string, argv: readonly [string, ...string[]]) =>
    keepSelection(folder, state, kind, argv, run);
  return {
    folder,
    epoch: newestReleaseDate(releases),
    state,
    resolve: (wanted) =>
      kept("install", ["apt-get", "--print-uris", "--yes", "install", "?essential", ...wanted]),
    resolveAlone: (wanted) => kept("alone", ["apt-get", "--print-uris", "download", ...wanted]),
  };
}

async function keepSelection(
  folder: string,
  state: string,
  kind: string,
  argv: readonly [string, ...string[]],
  run: (argv: readonly [string, ...string[]], folder: string) => Promise<string>,
): Promise<ResolvedPackage[]> {
  const file = join(
    folder,
    "selections",
    `${sha256OfText(JSON.stringify([state, kind, argv])).slice(0, 32)}.txt`,
  );
  const known = await readTextIfPresent(file);
  if (known !== undefined) return parseResolution(known);
  const packages = parsePrintUris(await run(argv, folder));
  await writeAtomically(file, formatResolution(packages));
  return packages;
}

async function makeSkeleton(
  folder: string,
  choice: ArchiveChoice,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<void> {
  const options = [
    "--simulate",
    // Without it mmdebstrap shows what apt says when all is over.
    "--verbose",
    "--skip=cleanup/apt",
    // Reading lists runs nothing of theirs, and arm64 programs may not run here yet.
    "--skip=check/qemu",
    "--variant=essential",
    "--mode=root",
    "--format=directory",
    ...aptOptions,
  ];
  const argv = [
    "mmdebstrap",
    ...options,
    `--architectures=${choice.architecture}`,
    `--keyring=${KEYRING}`,
    "--components=main,non-free-firmware",
    ...archiveArguments(choice, join(folder, "skel")),
  ] as const;
  await mkdir(join(folder, "selections"), { recursive: true });
  await runArchiveTool(argv, folder, tools, world, timeouts.archive, step);
  // Its copy of the options above would outlive and outweigh those of each opening.
  await rm(join(folder, "skel/etc/apt/apt.conf.d/99mmdebstrap"), { force: true });
}

async function runArchiveTool(
  argv: readonly [string, ...string[]],
  folder: string,
  tools: ToolsTree,
  world: World,
  timeoutMs: number,
  step?: Step,
): Promise<string> {
  const output: string[] = [];
  try {
    const result = await world.processes.run(
      tools.command(argv, {
        binds: [{ source: folder }, { source: KEYRING, readOnly: true }],
        env: { APT_CONFIG: join(folder, "apt.conf") },
        timeoutMs,
        signal: world.signal,
        hopelessAt: gaveUp(),
        graceMs: network.lastWordsMs,
        onLine: (line) => {
          output.push(line);
          step?.line(line);
        },
      }),
    );
    return result.stdout;
  } catch (cause) {
    throw explainMmdebstrap("ARCHIVE", "the Debian archive could not be read", {
      output,
      cause,
      now: world.clock.now(),
    });
  }
}
