import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "../../lib/external/world.ts";
import type { FakeRepository } from "../github/repository.ts";
import type { FakeResults } from "../results/server.ts";
import { git } from "./copy.ts";
import { keepRepository } from "./keep.ts";

/** Where things lie in the folder that a run keeps, as people look for them. */
export const places = (folder: string) => ({
  /** As a local store: releases and the branch `manifest`, for ./pi verify and ./pi serve. */
  store: join(folder, "store"),
  keys: join(folder, "keys"),
  remote: join(folder, "repository.git"),
  artifacts: join(folder, "artifacts"),
  logs: join(folder, "logs"),
});

/** The files of the branch `manifest` of a bare repository, in `into`; nothing where there is no such branch. */
async function leaveManifest(world: World, remote: string, into: string): Promise<void> {
  const branch = await git(world, remote, "for-each-ref", "--format=%(refname)", "refs/heads/manifest");
  if (branch === "") return;
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  const index = { GIT_INDEX_FILE: join(remote, "index-of-the-copy") };
  await world.processes.run({
    argv: ["git", `--git-dir=${remote}`, `--work-tree=${into}`, "checkout", "--force", "manifest", "--", "."],
    ...{ cwd: into, env: index, timeoutMs: 60_000 },
  });
  await rm(index.GIT_INDEX_FILE, { force: true });
}

/** The artifacts of a run, as GitHub would offer them for download. */
async function leaveArtifacts(results: FakeResults, blobs: string, into: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  for (const { name, blob, finished } of results.artifacts) {
    if (finished) await cp(join(blobs, blob), join(into, `${name}.zip`));
  }
}

export interface Leaving {
  readonly folder: string;
  readonly repository: FakeRepository;
  readonly results: FakeResults;
  /** Folder of the results' files. */
  readonly blobs: string;
  readonly runs: readonly {
    readonly file: string;
    readonly log: string;
    readonly summaries: readonly string[];
  }[];
}

/** Leaves what a run made where people find it, and the next run as well. */
export async function leaveAll(
  { folder, repository, results, blobs, runs }: Leaving,
  world: World,
): Promise<void> {
  const { store, remote, artifacts, logs } = places(folder);
  await mkdir(store, { recursive: true });
  await keepRepository(repository, store);
  await leaveManifest(world, remote, join(store, "manifest"));
  await leaveArtifacts(results, blobs, artifacts);
  await mkdir(logs, { recursive: true });
  for (const { file, log, summaries } of runs) {
    await writeFile(join(logs, file.replace(/yml$/, "log")), `${log}\n`);
    await writeFile(join(logs, file.replace(/yml$/, "summary.md")), summaries.join("\n"));
  }
}
