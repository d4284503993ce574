import { mkdir, readdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists, sha256OfFile } from "../external/files.ts";
import { acquireLock, type Lock } from "../external/lock.ts";
import type { World } from "../external/world.ts";
import { ImageError } from "./failure.ts";

/** Locks that every user of this kernel must see, whatever cache they use. */
const LOCKS = "/run/home-pi-cluster";
const BINFMT = "/proc/sys/fs/binfmt_misc";
const PREFIX = "home-pi-";

// The ELF header of an arm64 program, and which of its bits count: the kernel's own documentation
// (admin-guide/binfmt-misc) and QEMU's qemu-binfmt-conf.sh give the same 20 bytes.
const MAGIC = "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00";
const MASK =
  "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff";

/**
 * Lets this kernel run arm64 programs through the tools tree's qemu until released. The entry's name carries
 * qemu's digest, flag F pins the binary, the newest entry wins over the distribution's own. Users hold a
 * shared lock that dies with them; the last one removes the entry, and entries of dead runs go as well.
 * On an arm64 machine nothing is done.
 */
export async function useForeignBinaries(toolsTree: string, world: World): Promise<Lock> {
  if (process.arch === "arm64") return { release: async () => undefined };
  const qemu = join(toolsTree, "usr/bin/qemu-aarch64");
  const name = `${PREFIX}${(await sha256OfFile(qemu)).slice(0, 12)}`;
  const mutex = await lockOrFail("registry", "exclusive", world);
  try {
    await mountRegistry(world);
    await removeUnused(world, name);
    // Held before the entry is there: whatever interrupts us, none stays that nobody uses.
    const use = await lockOrFail(`${name}.users`, "shared", world);
    try {
      if (!(await exists(join(BINFMT, name)))) await register(name, qemu);
    } catch (error) {
      await use.release();
      throw error;
    }
    return { release: () => releaseUse(use, world) };
  } finally {
    await mutex.release();
  }
}

async function register(name: string, qemu: string): Promise<void> {
  const entry = `:${name}:M:0:${MAGIC}:${MASK}:${qemu}:OCF`;
  await writeFile(join(BINFMT, "register"), entry).catch((cause) => {
    throw new ImageError("PREFLIGHT", "this kernel did not take the entry for arm64 programs", {
      fix: "run as root on a kernel with binfmt_misc, or on an arm64 machine",
      cause,
    });
  });
}

async function releaseUse(use: Lock, world: World): Promise<void> {
  await use.release();
  await forgetDeadBinaries({ ...world, signal: new AbortController().signal });
}

/** Removes the entries of runs that ended or were killed; what somebody uses stays. Needs root. */
export async function forgetDeadBinaries(world: World): Promise<void> {
  if (!(await exists(join(BINFMT, "register")))) return;
  const mutex = await lockOrFail("registry", "exclusive", world);
  try {
    await removeUnused(world, undefined);
  } finally {
    await mutex.release();
  }
}

/** Removes our entries that nobody holds, but `keep`. */
async function removeUnused(world: World, keep: string | undefined): Promise<void> {
  for (const entry of await readdir(BINFMT)) {
    if (!entry.startsWith(PREFIX) || entry === keep) continue;
    const file = join(LOCKS, `${entry}.users.lock`);
    const lock = await acquireLock(world.processes, { file, mode: "exclusive", waitMs: 0 });
    if (lock === undefined) continue;
    await writeFile(join(BINFMT, entry), "-1");
    await unlink(file);
    await lock.release();
  }
}

async function mountRegistry(world: World): Promise<void> {
  if (await exists(join(BINFMT, "register"))) return;
  await world.processes
    .run({ argv: ["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], timeoutMs: 30_000 })
    .catch((cause) => {
      throw new ImageError("PREFLIGHT", "binfmt_misc could not be mounted", {
        fix: "modprobe binfmt_misc, then run again",
        cause,
      });
    });
}

async function lockOrFail(name: string, mode: "shared" | "exclusive", world: World): Promise<Lock> {
  await mkdir(LOCKS, { recursive: true });
  const request = { file: join(LOCKS, `${name}.lock`), mode, waitMs: 120_000, signal: world.signal } as const;
  const lock = await acquireLock(world.processes, request);
  if (lock === undefined) throw new ImageError("PREFLIGHT", `${request.file} stayed locked for two minutes`);
  return lock;
}
