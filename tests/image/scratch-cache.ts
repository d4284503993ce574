import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { processes } from "../../lib/external/process.ts";
import { useForeignBinaries } from "../../lib/image/binfmt.ts";
import type { BuildInfo } from "../../lib/image/build/results.ts";
import { testTools, world } from "./surroundings.ts";

/** Rooms of the cache, in the order they are made. */
export const rooms = ["tools", "archive", "core", "base", "builds"] as const;
export type Room = (typeof rooms)[number];

/** A cache of its own with the finished layers of another, whose layers may be taken away and put back. */
export interface ScratchCache {
  readonly cache: string;
  readonly out: string;
  readonly temporary: string;
  /** Takes a room away with what is made from it, so that the next build makes them. */
  without(room: Room): Promise<void>;
  /** Puts back, in the place of what lies there now, what the cache was made with. */
  restore(): Promise<void>;
  remove(): Promise<void>;
}

/** Made beside `finished`, on the same disk: all but the package lists are links. */
export async function scratchCache(finished: string): Promise<ScratchCache> {
  const folder = await mkdtemp(`${finished}-interrupted-`);
  const [cache, temporary, out] = ["cache", "tmp", "out"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [cache, temporary, out]) await mkdir(path);
  const fill = async (room: Room): Promise<void> => {
    if (room === "tools") {
      // Entered through a link: a copy of some ten thousand files takes longer than what is tested.
      await mkdir(join(cache, room));
      for (const name of await readdir(join(finished, room))) {
        if (!name.includes(".")) await symlink(join(finished, room, name), join(cache, room, name));
      }
      return;
    }
    // apt writes into its lists, everything else is written once.
    const how = room === "archive" ? "-a" : "-al";
    await processes.run({
      argv: ["cp", how, join(finished, room), join(cache, room)],
      timeoutMs: 60_000,
    });
  };
  const takeAway = async (names: readonly Room[]): Promise<void> => {
    for (const name of names) await rm(join(cache, name), { recursive: true, force: true });
  };
  const restore = async (): Promise<void> => {
    await takeAway(rooms);
    for (const room of rooms) await fill(room);
  };
  // Layers go by what is in tools and lists, not by these: they stay good when those are made anew.
  const without = (room: Room): Promise<void> =>
    takeAway(room === "tools" || room === "archive" ? [room] : rooms.slice(rooms.indexOf(room)));
  await restore();
  // What an earlier run on this machine left is not to be told of those to come.
  const tools = await testTools();
  if (tools !== undefined) await (await useForeignBinaries(tools.path, world)).release();
  await processes.run({
    argv: ["cp", "-a", join(finished, "durations.json"), join(finished, "records"), cache],
    timeoutMs: 10_000,
  });
  return {
    ...{ cache, out, temporary, without, restore },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Digests {
  readonly tree: string;
  readonly slot: string;
  readonly disk: string;
}

/** Digests of the one build of the agent that lies in a results folder. */
export async function digestsIn(out: string): Promise<Digests> {
  const names = (await readdir(out)).filter((name) => name.endsWith(".buildinfo.json"));
  const [name = "", ...more] = names;
  if (more.length > 0) throw new Error(`several builds in ${dirname(out)}: ${names.join(", ")}`);
  const info = JSON.parse(await readFile(join(out, name), "utf8")) as BuildInfo;
  return { tree: info.tree.sha256, slot: info.slot.sha256, disk: info.disk.sha256 };
}
