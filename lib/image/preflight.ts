import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { minuteOf } from "../external/clock.ts";
import { exists, roomAt } from "../external/files.ts";
import { availableMemory } from "../external/memory.ts";
import { type Answer, askHead } from "../external/reach.ts";
import type { World } from "../external/world.ts";
import { readDone } from "./cache.ts";
import { tidyCache } from "./cache-use.ts";
import { ImageError } from "./failure.ts";
import { needs, network } from "./limits.ts";
import { pastForSure } from "./project-age.ts";

/** What a build needs of the machine, as it was found. */
export interface MachineFacts {
  /** We are root, or sudo can make us. */
  readonly root: boolean;
  readonly programs: Readonly<Record<string, boolean>>;
  readonly cacheDir: string;
  /** Why nothing can be written to the cache, as an errno name. */
  readonly cacheRefuses: string | undefined;
  readonly freeDiskBytes: number;
  readonly freeMemoryBytes: number;
  /** Whether the kernel can run foreign programs, or needs not. */
  readonly foreignPrograms: boolean;
  /** A finished tools tree lies in the cache: a build needs less. */
  readonly warm: boolean;
  /** This machine's time, and one that is past for sure; milliseconds since 1970. */
  readonly now: number;
  readonly past: number;
  /** How Debian's archive answered, where it was asked. */
  readonly archive: Answer | undefined;
}

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  /** The command or sentence that mends it. */
  readonly fix: string;
  /** Wrong, but a build may go on. */
  readonly warning?: true;
}

/** Programs of the host, and the Debian package each comes with. */
const PROGRAMS: Readonly<Record<string, string>> = {
  mmdebstrap: "mmdebstrap",
  unshare: "util-linux",
  setpriv: "util-linux",
  flock: "util-linux",
  mount: "mount",
  tar: "tar",
};

/** A small signed file that apt asks for first. */
const ARCHIVE = "http://deb.debian.org/debian/dists/trixie/Release";

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

/** Bytes that have to be free: with a finished tools tree in the cache fewer. */
export const diskNeeded = (warm: boolean): number => (warm ? needs.freeDisk / 4 : needs.freeDisk);

/** Judges the facts: one finding a need, in the order a person would mend them. */
export function judgeMachine(facts: MachineFacts): Finding[] {
  const disk = diskNeeded(facts.warm);
  return [
    {
      name: "root",
      ok: facts.root,
      found: facts.root ? "possible" : "neither root nor sudo",
      fix: "run it with sudo, or install sudo",
    },
    ...Object.entries(PROGRAMS).map(([program, debian]) => ({
      name: program,
      ok: facts.programs[program] === true,
      found: facts.programs[program] === true ? "present" : "missing",
      fix: `sudo apt-get install ${debian}`,
    })),
    {
      name: "cache",
      ok: facts.cacheRefuses === undefined,
      found: facts.cacheRefuses === undefined ? facts.cacheDir : refused(facts),
      fix: "name a folder that can be written: PI_CACHE=/another/folder",
    },
    {
      name: "free disk",
      ok: facts.freeDiskBytes >= disk,
      found: `${gib(facts.freeDiskBytes)}, ${gib(disk)} needed`,
      fix: "free some: ./pi clean shows what the cache holds; PI_CACHE=/another/disk moves it",
    },
    {
      name: "free memory",
      ok: facts.freeMemoryBytes >= needs.memory,
      found: `${gib(facts.freeMemoryBytes)}, ${gib(needs.memory)} needed`,
      fix: "close other programs",
    },
    {
      name: "arm64 programs",
      ok: facts.foreignPrograms,
      found: facts.foreignPrograms ? "possible" : "the kernel has no binfmt_misc",
      fix: "sudo modprobe binfmt_misc",
    },
    {
      name: "clock",
      ok: facts.now >= facts.past,
      found: `${minuteOf(facts.now)}${facts.now < facts.past ? `, but ${minuteOf(facts.past)} is past: this project was written then` : ""}`,
      fix: "sudo timedatectl set-ntp true (or set-time)",
      warning: true,
    },
    ...(facts.archive === undefined ? [] : [judgeArchive(facts.archive)]),
  ];
}

const WORDS: Readonly<Record<string, string>> = {
  EROFS: "is on a read-only file system",
  EACCES: "may not be written by this user",
  ENOTDIR: "is no folder",
};

const refused = ({ cacheDir, cacheRefuses = "" }: MachineFacts): string =>
  `${cacheDir} ${WORDS[cacheRefuses] ?? `cannot be written (${cacheRefuses})`}`;

function judgeArchive(answer: Answer): Finding {
  const host = new URL(ARCHIVE).host;
  const ok = answer.kind === "status" && answer.status < 400;
  const said =
    answer.kind === "silent"
      ? `${host} cannot be reached (${answer.why})`
      : `${host} answers ${ok ? `in ${(answer.ms / 1000).toFixed(1)} s` : answer.status}`;
  return {
    name: "archive",
    ok,
    found: said,
    fix: "check this machine's network; behind a proxy, set http_proxy",
  };
}

/** Where and with what a machine is looked at. */
export interface Look {
  readonly world: World;
  readonly cacheDir: string;
  /** Ask Debian's archive: always, or only for a build that starts from nothing. Default: never. */
  readonly askArchive?: "always" | "cold";
}

export async function readMachine(context: Look): Promise<MachineFacts> {
  const { world, cacheDir, askArchive } = context;
  const found = await Promise.all(
    Object.keys(PROGRAMS).map(async (program) => {
      const result = await world.processes.run({
        argv: ["sh", "-c", `command -v ${program}`],
        timeoutMs: 10_000,
        accept: [0, 1, 127],
      });
      return [program, result.exitCode === 0] as const;
    }),
  );
  const filesystems = await readFile("/proc/filesystems", "utf8");
  const warm = await hasTools(cacheDir);
  const room = await roomAt(cacheDir);
  // With layers in the cache apt itself asks the archive within the next second.
  const ask = askArchive === "always" || (askArchive === "cold" && !warm);
  const root = process.getuid?.() === 0;
  return {
    root: root || (await exists("/usr/bin/sudo")),
    programs: Object.fromEntries(found),
    cacheDir,
    // Whoever may not write there now builds as root.
    cacheRefuses: room.refuses === "EACCES" && !root ? undefined : room.refuses,
    freeDiskBytes: room.freeBytes,
    freeMemoryBytes: await availableMemory(),
    foreignPrograms:
      process.arch === "arm64" ||
      filesystems.includes("binfmt_misc") ||
      (await canLoad("binfmt_misc", world)),
    warm,
    now: world.clock.now(),
    past: await pastForSure(world),
    archive: ask ? await askHead(ARCHIVE, network.questionMs) : undefined,
  };
}

/** Whether a finished tools tree lies in the cache. */
export async function hasTools(cacheDir: string): Promise<boolean> {
  const keys = await readdir(join(cacheDir, "tools")).catch(() => []);
  const done = await Promise.all(keys.map((key) => readDone(cacheDir, "tools", key)));
  return done.some((about) => about !== undefined);
}

async function canLoad(module: string, world: World): Promise<boolean> {
  const loaded = await world.processes
    .run({ argv: ["modprobe", module], timeoutMs: 20_000, accept: [0, 1] })
    .catch(() => undefined);
  return loaded?.exitCode === 0;
}

/**
 * Throws ImageError PREFLIGHT with everything that is missing, each with its fix. Takes well under a second,
 * and where the archive has to be asked and is silent, five; longer only where runs that were killed have left
 * something in the cache. `warn` is told what a build can do without.
 */
export async function preflight(context: Look & { readonly warn?: (text: string) => void }): Promise<void> {
  // Gigabytes that belong to nobody are not missing. Where it fails, a program it needs is, which is told below.
  await tidyCache(context.cacheDir, context.world).catch(() => undefined);
  const facts = await readMachine({ askArchive: "cold", ...context });
  const wrong = judgeMachine(facts).filter((finding) => !finding.ok);
  const told = ({ name, found, fix }: Finding): string => `${name}: ${found}. ${fix}`;
  for (const finding of wrong.filter(({ warning }) => warning)) context.warn?.(told(finding));
  const missing = wrong.filter(({ warning }) => warning !== true);
  if (missing.length === 0) return;
  throw new ImageError("PREFLIGHT", "this machine cannot build images yet", { details: missing.map(told) });
}
