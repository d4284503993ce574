import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "../external/durable-files.ts";
import { exists, listTree, removeWhole, writeAtomically } from "../external/files.ts";
import { acquireLock } from "../external/lock.ts";
import type { World } from "../external/world.ts";
import { ManifestError } from "./failure.ts";
import type { Checkpoint, HomeContent, ManifestHome } from "./home.ts";
import { LOCK_WAIT_MS } from "./limits.ts";
import type { ManifestChange } from "./repository/change.ts";

/** What writeAtomically leaves where it is killed. */
const HALF_WRITTEN = /\.tmp-\d+-[0-9a-f]{8}$/;

export interface LocalHomeOptions {
  /** The local store; the manifest lies in `manifest/` in it. */
  readonly store: string;
  readonly world: Pick<World, "processes" | "signal">;
  readonly checkpoint?: Checkpoint;
}

function revisionOf(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash("sha256");
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${path}\0${content.byteLength}\0`).update(content);
  }
  return hash.digest("hex");
}

/** Errors of the file system as ours, with the place and what to do. */
function explain(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (!/^E[A-Z]+$/.test(code) || error instanceof ManifestError) return error;
  const fix =
    code === "ENOSPC" ? "free some space there, then run it again" : "make it a folder you may write to";
  return new ManifestError("HOME", `the folder ${folder} cannot be used (${code})`, { fix, cause: error });
}

/** A folder as the home of a manifest. One writer at a time; readers need no lock. */
export function localHome({ store, world, checkpoint }: LocalHomeOptions): ManifestHome {
  const folder = join(store, "manifest");
  const at = async (name: string): Promise<void> => {
    await checkpoint?.(name);
  };

  const list = async (): Promise<readonly string[]> => {
    if (!(await exists(folder))) return [];
    return (await listTree(folder)).filter(({ kind }) => kind === "file").map(({ path }) => path);
  };

  const read = async (): Promise<HomeContent> => {
    try {
      const paths = (await list()).filter((path) => !HALF_WRITTEN.test(path));
      const contents = paths.map(async (path) => [path, await readFile(join(folder, path))] as const);
      const files = new Map(await Promise.all(contents));
      return { files, revision: revisionOf(files) };
    } catch (error) {
      throw explain(error, folder);
    }
  };

  const carryOut = async (change: ManifestChange): Promise<void> => {
    for (const path of (await list()).filter((one) => HALF_WRITTEN.test(one)))
      await removeWhole(join(folder, path));
    for (const { path, content } of change.writes) {
      await at(`before ${path}`);
      const file = join(folder, path);
      await writeAtomically(file, content);
      await syncFolder(dirname(file));
      await at(`behind ${path}`);
    }
    for (const path of change.removes) {
      await at(`before removing ${path}`);
      await removeWhole(join(folder, path));
    }
    await at("done");
  };

  return {
    place: `the folder ${folder}`,
    page: false,
    read,
    publish: async (before, change) => {
      try {
        await mkdir(folder, { recursive: true });
        const lock = await acquireLock(world.processes, {
          file: join(store, ".manifest.lock"),
          mode: "exclusive",
          waitMs: LOCK_WAIT_MS,
          signal: world.signal,
        });
        if (lock === undefined) {
          throw new ManifestError("HOME", `another run has been writing to ${folder} for a minute`, {
            fix: "wait until it is done, or stop it",
          });
        }
        try {
          if ((await read()).revision !== before.revision) {
            throw new ManifestError("REMOTE_MOVED", `${folder} was changed by another run meanwhile`, {
              fix: "run it again",
            });
          }
          await carryOut(change);
        } finally {
          await lock.release();
        }
      } catch (error) {
        throw explain(error, folder);
      }
    },
  };
}
