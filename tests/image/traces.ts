import { readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { halfMade, leftovers } from "./leftovers.ts";
import type { RunningPi } from "./running-pi.ts";
import type { ScratchCache } from "./scratch-cache.ts";

/** What a run that has ended left: on the machine, in cache and results, in the places for temporary files. */
export async function tracesOf(pi: RunningPi, at: ScratchCache): Promise<string[]> {
  const members = [...(await pi.group.members())].map(([id, name]) => `process ${id} (${name})`);
  const temporary = (await readdir(at.temporary)).map((name) => `temporary ${name}`);
  const results = (await halfMade(at.out)).map((name) => `results: ${name}`);
  return [
    ...members,
    ...(await leftovers(at.cache)),
    ...temporary,
    ...(await sharedSince(pi.startedMs)),
    ...results,
  ];
}

/** The machine's own folder for temporary files; others write there too, so names decide as well. */
async function sharedSince(startedMs: number): Promise<string[]> {
  const names = (await readdir(tmpdir())).filter((name) => /^(mmdebstrap|apt|ansible)/.test(name));
  const found = names.map(async (name) => {
    const { birthtimeMs } = await stat(join(tmpdir(), name)).catch(() => ({ birthtimeMs: 0 }));
    return birthtimeMs > startedMs ? [`temporary ${join(tmpdir(), name)}`] : [];
  });
  return (await Promise.all(found)).flat();
}
