import { execFileSync, spawnSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256OfText } from "../../lib/external/files.ts";
import { processes } from "../../lib/external/process.ts";
import { rooms } from "./scratch-cache.ts";
import { ownLeftovers } from "./starving.ts";

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;

/** A file system of its own, to be used as a cache that gets full. */
export interface SmallDisk {
  readonly folder: string;
  /** Takes all room but `leaveBytes`, at once: no data is written. */
  fill(leaveBytes: number): void;
  /** Gives the room back. */
  empty(): void;
  /** Finished entries of the cache on it, as room/key, sorted; without rooms that are lent. */
  finished(): Promise<string[]>;
  /** Takes it away; resolves to what a run left on it that is no result. */
  remove(): Promise<string[]>;
}

const run = (...argv: [string, ...string[]]) => processes.run({ argv, timeoutMs: 60_000 });

/** An ext4 of `bytes` in a sparse file: as large as a preflight asks for, it takes what is written to it. */
export async function smallDisk(bytes: number): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), "small-disk-"));
  const file = `${folder}.ext4`;
  await run("truncate", "-s", String(bytes), file);
  await run("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", file);
  await run("mount", "-o", "loop", file, folder);
  await rm(join(folder, "lost+found"), { recursive: true });
  let fillers = 0;
  const free = (): number => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
  return {
    folder,
    fill: (leaveBytes) => {
      const take = free() - leaveBytes;
      if (take <= 0) return;
      fillers += 1;
      const filler = join(folder, `filler-${fillers}`);
      // In one call, so that it is full before the step that was seen to begin gets anywhere.
      if (spawnSync("fallocate", ["-l", String(take), filler]).status === 0) return;
      // What ext4 needs to note where a file lies comes out of the same room: the last of it is written.
      execFileSync("fallocate", ["-l", String(Math.max(take - 8 * MIB, 4096)), filler]);
      const rest = [
        "if=/dev/zero",
        `of=${filler}-rest`,
        "bs=4k",
        `count=${Math.floor((free() - leaveBytes) / 4_096)}`,
      ];
      spawnSync("dd", rest, { stdio: "ignore" });
    },
    empty: () => void execFileSync("sh", ["-c", 'rm -f "$0"/filler-*', folder]),
    finished: async () => {
      const listed = await Promise.all(
        rooms.map(async (room) => {
          const own = (await lstat(join(folder, room)).catch(() => undefined))?.isDirectory();
          const names = own === true ? await readdir(join(folder, room)) : [];
          return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `${room}/${name}`);
        }),
      );
      return listed.flat().sort();
    },
    remove: async () => {
      const own = (entry: string): boolean => entry === `mount ${folder}` || entry.endsWith(` of ${file}`);
      const left = (await ownLeftovers(folder)).filter((entry) => !own(entry));
      await run("umount", "--lazy", folder);
      await rm(folder, { recursive: true });
      await rm(file);
      return left;
    },
  };
}

/** Lends rooms of a finished cache to another one, without a copy. */
export async function lend(cache: string, to: string, rooms: readonly string[]): Promise<void> {
  for (const room of rooms) await symlink(join(cache, room), join(to, room));
}

/**
 * Copies what a finished cache knows of the archive that is asked now, so that what a test does to it stays its own:
 * of other tools, or of another time, a cache may know more. Returns the entry's key.
 */
export async function copyArchive(cache: string, to: string, tools: string): Promise<string> {
  const key = sha256OfText(JSON.stringify([{ suite: "trixie", architecture: "arm64" }, tools]));
  const room = join(to, "archive");
  await mkdir(room, { recursive: true });
  // Device nodes of apt's skeleton included.
  for (const entry of [key, "resolved"]) await run("cp", "--archive", join(cache, "archive", entry), room);
  return key;
}
