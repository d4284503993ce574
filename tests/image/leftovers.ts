import { readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { exists } from "../../lib/external/files.ts";
import { processes } from "../../lib/external/process.ts";

/**
 * What a run may never leave behind: mounts, loop devices and processes below the cache, half-made results and
 * files, binfmt entries that nobody uses.
 */
export async function leftovers(cache: string): Promise<string[]> {
  const found = [
    mountsBelow(cache),
    loopDevicesBelow(cache),
    processesIn(cache),
    halfMade(cache),
    unusedEntries(),
  ];
  return (await Promise.all(found)).flat();
}

async function mountsBelow(cache: string): Promise<string[]> {
  const targets = (await readFile("/proc/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return targets.filter((target) => target.startsWith(cache)).map((target) => `mount ${target}`);
}

async function loopDevicesBelow(cache: string): Promise<string[]> {
  const devices = (await readdir("/sys/block")).filter((name) => name.startsWith("loop"));
  const files = devices.map(async (name) => {
    const file = await readFile(`/sys/block/${name}/loop/backing_file`, "utf8").catch(() => "");
    return file.startsWith(cache) ? [`${name} of ${file.trim()}`] : [];
  });
  return (await Promise.all(files)).flat();
}

async function processesIn(cache: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const roots = ids.map(async (pid) => {
    const root = await readlink(`/proc/${pid}/root`).catch(() => "/");
    return root.startsWith(cache) ? [`process ${pid} in ${root}`] : [];
  });
  return (await Promise.all(roots)).flat();
}

const HALF_MADE = /\.(making|tmp|part)-|\.part$|^sums-/;

/** Names that only a run in the middle has. Finished entries are not looked into. */
export async function halfMade(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const path = join(at, entry.name);
      const unfinished = /^[0-9a-f]{64}$/.test(entry.name) && !(await exists(join(path, "done.json")));
      if (HALF_MADE.test(entry.name) || unfinished || at === join(folder, "scratch")) {
        found.push(`half-made ${relative(folder, path)}`);
      } else if (entry.isDirectory() && (at === folder || entry.name === "selections" || isArchive(at))) {
        await walk(path);
      }
    }
  };
  // The lists are the one entry that is written to after it was made.
  const isArchive = (at: string): boolean => relative(folder, at) === "archive";
  await walk(folder);
  return found;
}

async function unusedEntries(): Promise<string[]> {
  const names = await readdir("/proc/sys/fs/binfmt_misc").catch(() => []);
  const ours = names.filter((name) => name.startsWith("home-pi-"));
  const unused = ours.map(async (name) => ((await isUsed(name)) ? [] : [`binfmt entry ${name}`]));
  return (await Promise.all(unused)).flat();
}

/** Another run on this machine may be in the middle of its work. */
async function isUsed(entry: string): Promise<boolean> {
  const lock = `/run/home-pi-cluster/${entry}.users.lock`;
  if (!(await exists(lock))) return false;
  const argv = ["flock", "--exclusive", "--nonblock", lock, "true"] as const;
  return (await processes.run({ argv, timeoutMs: 10_000, accept: [0, 1] })).exitCode === 1;
}
