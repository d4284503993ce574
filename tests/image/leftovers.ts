import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** What a build may never leave behind: mounts and processes below the cache, half-made results, binfmt entries. */
export async function leftovers(cache: string): Promise<string[]> {
  const mounts = (await readFile("/proc/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((target) => target.startsWith(cache))
    .map((target) => `mount ${target}`);
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const roots = await Promise.all(
    processes.map(async (pid) => {
      const root = await readlink(`/proc/${pid}/root`).catch(() => "/");
      return root.startsWith(cache) ? [`process ${pid} in ${root}`] : [];
    }),
  );
  const rooms = ["tools", "archive", "core", "base", "builds"];
  const halves = await Promise.all(
    rooms.map(async (room) => {
      const names = await readdir(join(cache, room)).catch(() => []);
      return names.filter((name) => name.includes(".making-")).map((name) => `half-made ${room}/${name}`);
    }),
  );
  const entries = await readdir("/proc/sys/fs/binfmt_misc").catch(() => []);
  const foreign = entries.filter((name) => name.startsWith("home-pi-")).map((name) => `binfmt entry ${name}`);
  return [...mounts, ...roots.flat(), ...halves.flat(), ...foreign];
}
