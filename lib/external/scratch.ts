import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `work` with an empty folder `<parent>/<prefix>XXXXXX` that is removed afterwards, whatever happens. */
export async function withScratch<T>(
  parent: string,
  prefix: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, prefix));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A place with a short path, for sockets: their names end at 107 bytes. */
export function shortParent(): string {
  return tmpdir().length <= 60 ? tmpdir() : "/tmp";
}
