import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { processes } from "../../lib/external/process.ts";

export interface FinishedLayers {
  /** A cache with everything an image is made of, and no image. */
  readonly cache: string;
  remove(): Promise<void>;
}

/** What is made before a playbook runs, taken from a finished cache: links, but for lists that apt writes into. */
export async function finishedLayers(finished: string): Promise<FinishedLayers> {
  const cache = await mkdtemp(`${finished}-layers-`);
  for (const [room, how] of [
    ["archive", "-a"],
    ["core", "-al"],
    ["base", "-al"],
    ["node", "-al"],
  ] as const) {
    await processes.run({
      argv: ["cp", how, join(finished, room), join(cache, room)],
      timeoutMs: 60_000,
    });
  }
  // Entered through a link: a copy of some ten thousand files takes longer than the build.
  await mkdir(join(cache, "tools"));
  for (const name of await readdir(join(finished, "tools"))) {
    if (!name.includes(".")) await symlink(join(finished, "tools", name), join(cache, "tools", name));
  }
  await cp(join(finished, "durations.json"), join(cache, "durations.json"));
  return { cache, remove: () => rm(cache, { recursive: true, force: true }) };
}
