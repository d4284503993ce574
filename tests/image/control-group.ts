import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A control group: it holds everything a command starts, whoever its parent and whatever its session. */
export interface ControlGroup {
  /** The same command, started in the group. */
  wrap(argv: readonly string[]): readonly [string, ...string[]];
  /** Takes in a process that has started nothing yet: the shell of `wrap` drops variables with a hyphen. */
  join(pid: number): Promise<void>;
  /** Names of the programs that run in the group, by process id. */
  members(): Promise<ReadonlyMap<number, string>>;
  /** Kills what still runs in it, and removes it. */
  remove(): Promise<void>;
}

async function hierarchy(): Promise<string> {
  const mounts = (await readFile("/proc/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  const found = mounts.find(([, , type]) => type === "cgroup2")?.[1];
  if (found === undefined)
    throw new Error("this kernel has no cgroup2 mounted: processes cannot be followed");
  return found;
}

export async function makeControlGroup(name: string): Promise<ControlGroup> {
  const folder = join(await hierarchy(), name);
  await mkdir(folder);
  return {
    wrap: (argv) => ["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', folder, ...argv],
    join: (pid) => writeFile(join(folder, "cgroup.procs"), String(pid)),
    async members() {
      const ids = (await readFile(join(folder, "cgroup.procs"), "utf8"))
        .split("\n")
        .filter((id) => id !== "");
      const named = ids.map(async (id) => {
        const name = await readFile(`/proc/${id}/comm`, "utf8").catch(() => undefined);
        return name === undefined ? [] : [[Number(id), name.trim()] as const];
      });
      return new Map((await Promise.all(named)).flat());
    },
    async remove() {
      await writeFile(join(folder, "cgroup.kill"), "1");
      while ((await readFile(join(folder, "cgroup.procs"), "utf8")) !== "") await sleep(10);
      await rmdir(folder);
    },
  };
}
