import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Fetcher, Updater } from "tuf-js";
import { readBounded } from "../../external/bounded-file.ts";
import { writeAtomically } from "../../external/files.ts";
import { MAX_BYTES, MAX_ROOTS } from "../limits.ts";
import { readRoot } from "../repository/root.ts";
import { BASE_URL } from "./fetcher.ts";

/** Lays the trusted root into a folder of metadata, unless a newer one was accepted there before. */
export async function seedRoot(folder: string, trusted: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "root.json");
  const known = await readBounded(file, MAX_BYTES.root);
  if (known.kind === "content") {
    try {
      const [had, given] = [readRoot(known.bytes, file), readRoot(trusted)];
      if (had.signed.version >= given.signed.version) return;
    } catch {
      // Cut off or damaged: the one that came with the image is taken again.
    }
  }
  await writeAtomically(file, trusted);
}

/** tuf-js takes the time when it is made, and no other way to tell it: the one place that knows its insides. */
function setTime(updater: Updater, now: Date): void {
  const { trustedSet } = updater as unknown as { trustedSet?: { referenceTime?: Date } };
  if (!(trustedSet?.referenceTime instanceof Date)) throw new Error("tuf-js keeps its time elsewhere now");
  trustedSet.referenceTime = now;
}

/**
 * tuf-js as this project uses it: no delegations, every file bounded, and expiry judged by `now`. It keeps what it
 * accepts in `folder`, and reads through `fetcher` what is called `BASE_URL` and a name.
 */
export function tufUpdater(folder: string, fetcher: Fetcher, now: Date): Updater {
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: BASE_URL,
    fetcher,
    config: {
      maxRootRotations: MAX_ROOTS,
      maxDelegations: 0,
      rootMaxLength: MAX_BYTES.root,
      timestampMaxLength: MAX_BYTES.timestamp,
      snapshotMaxLength: MAX_BYTES.snapshot,
      targetsMaxLength: MAX_BYTES.targets,
    },
  });
  setTime(updater, now);
  return updater;
}
