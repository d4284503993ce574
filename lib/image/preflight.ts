import { readdir, readFile } from "node:fs/promises";
import { freemem } from "node:os";
import { join } from "node:path";
import { exists, freeBytes } from "../external/files.ts";
import type { World } from "../external/world.ts";
import { readDone } from "./cache.ts";
import { tidyCache } from "./cache-use.ts";
import { ImageError } from "./failure.ts";
import { needs } from "./limits.ts";

/** What a build needs of the machine, as it was found. */
export interface MachineFacts {
  /** We are root, or sudo can make us. */
  readonly root: boolean;
  readonly programs: Readonly<Record<string, boolean>>;
  readonly freeDiskBytes: number;
  readonly freeMemoryBytes: number;
  /** Whether the kernel can run foreign programs, or needs not. */
  readonly foreignPrograms: boolean;
  /** A finished tools tree lies in the cache: a build needs less. */
  readonly warm: boolean;
}

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  /** The command or sentence that mends it. */
  readonly fix: string;
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

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

/** Judges the facts: one finding a need, in the order a person would mend them. */
export function judgeMachine(facts: MachineFacts): Finding[] {
  const disk = facts.warm ? needs.freeDisk / 4 : needs.freeDisk;
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
  ];
}

export async function readMachine(context: { world: World; cacheDir: string }): Promise<MachineFacts> {
  const { world, cacheDir } = context;
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
  const memory = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1];
  return {
    root: process.getuid?.() === 0 || (await exists("/usr/bin/sudo")),
    programs: Object.fromEntries(found),
    freeDiskBytes: await freeBytes(cacheDir),
    freeMemoryBytes: memory === undefined ? freemem() : Number(memory) * 1024,
    foreignPrograms:
      process.arch === "arm64" ||
      filesystems.includes("binfmt_misc") ||
      (await canLoad("binfmt_misc", world)),
    warm: await hasTools(cacheDir),
  };
}

async function hasTools(cacheDir: string): Promise<boolean> {
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
 * unless runs that were killed have left something in the cache.
 */
export async function preflight(context: { world: World; cacheDir: string }): Promise<void> {
  // Gigabytes that belong to nobody are not missing. Where it fails, a program it needs is, which is told below.
  await tidyCache(context.cacheDir, context.world).catch(() => undefined);
  const wrong = judgeMachine(await readMachine(context)).filter((finding) => !finding.ok);
  if (wrong.length === 0) return;
  throw new ImageError("PREFLIGHT", "this machine cannot build images yet", {
    details: wrong.map((finding) => `${finding.name}: ${finding.found}. ${finding.fix}`),
  });
}
