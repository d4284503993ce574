import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { between, type Checkpoint, noCheckpoint } from "../external/checkpoint.ts";
import { linkAtomically, readPieces, syncFolder } from "../external/durable-files.ts";
import { exists, removeWhole, sha256OfFile, writeAtomically } from "../external/files.ts";
import { acquireLock } from "../external/lock.ts";
import { receiveFile, writeExpected } from "../external/receive-file.ts";
import type { World } from "../external/world.ts";
import { NOTES_FILE } from "./check-assets.ts";
import { ReleaseError } from "./failure.ts";
import { sayingWhatStopped } from "./local-errors.ts";
import {
  checkedName,
  checkedTag,
  draftName,
  folderOf,
  LATEST,
  latestOf,
  listReleases,
  ROOM,
  readRelease,
  safeEntry,
} from "./local-layout.ts";
import type { OnBytes, ReleaseDetails, ReleaseStore, StoredRelease, WantedAsset } from "./store.ts";

const LOCK = ".lock";
/** Published files are read-only, as the cache's are: a later writer has to mean it. */
const FILE_MODE = 0o444;

export interface LocalStoreOptions {
  readonly folder: string;
  readonly checkpoint?: Checkpoint;
}

/**
 * Releases in a folder: `releases/<tag>/` holds a release's files and its notes, `latest` is a link to the one
 * people get by default. A release is put together in `releases/.draft-<tag>/` and appears by one rename.
 * Files are copied, not linked: the cache's stay their owner's. Throws ReleaseError STORE where the folder
 * cannot be written, DIGEST where a file is not what it was said to be.
 */
export function localStore(
  { folder, checkpoint = noCheckpoint }: LocalStoreOptions,
  world: Pick<World, "processes" | "signal">,
): ReleaseStore {
  const place = `the folder ${folder}`;
  const room = join(folder, ROOM);
  const at = <T>(name: string, work: () => Promise<T>): Promise<T> => between(checkpoint, name, work);
  const saying = <T>(work: () => Promise<T>): Promise<T> => sayingWhatStopped(folder, work);
  return {
    place,
    urlOf: (tag, name) => `${ROOM}/${checkedTag(tag)}/${checkedName(name)}`,
    releases: () => saying(() => listReleases(room)),
    createDraft: ({ tag }) =>
      saying(async () => {
        const draft = join(room, draftName(tag));
        await at(`mkdir ${draftName(tag)}`, () => mkdir(draft, { recursive: true }));
        return readRelease(room, draftName(tag));
      }),
    upload: (release, asset, onBytes) =>
      saying(async () => {
        requireDraft(release);
        const name = checkedName(asset.name);
        const part = join(room, draftName(release.tag), `.part-${name}`);
        await copyIn(asset, part, world.signal, onBytes);
        await at(`rename ${name}`, () => rename(part, join(room, draftName(release.tag), name)));
        return { id: name, name, bytes: asset.bytes, sha256: asset.sha256, state: "uploaded" };
      }),
    remove: (release, { name }) =>
      saying(async () => {
        requireDraft(release);
        await at(`remove ${name}`, () => removeWhole(join(room, draftName(release.tag), safeEntry(name))));
      }),
    digestOf: (release, { name }) =>
      saying(() => sha256OfFile(join(room, folderOf(release), checkedName(name)))),
    publish: (release, details, latest) =>
      saying(async () => {
        requireDraft(release);
        await finishDraft(room, release, details, at);
        await at(`rename ${release.tag}`, () =>
          rename(join(room, draftName(release.tag)), join(room, release.tag)),
        );
        await syncFolder(room);
        if (latest) await at(`rename ${LATEST}`, () => makeLatest(folder, release.tag));
        return readRelease(room, release.tag);
      }),
    settle: ({ tag }, latest) =>
      saying(async () => {
        if (!latest || (await latestOf(folder)) === tag) return false;
        await at(`rename ${LATEST}`, () => makeLatest(folder, tag));
        return true;
      }),
    fetch: (release, wanted, path) =>
      saying(async () => {
        const file = join(room, checkedTag(release.tag), checkedName(wanted.name));
        if (!(await exists(file))) {
          throw new ReleaseError("NOT_FOUND", `${release.tag} in ${place} has no file ${wanted.name}`);
        }
        await receiveFile(path, wanted, (onData) => readPieces(file, onData));
      }),
    exclusively: async (onWait, work) => {
      const file = join(folder, LOCK);
      const { signal } = world;
      const lock = await saying(() =>
        acquireLock(world.processes, { file, mode: "exclusive", onWait, signal }),
      );
      try {
        return await work();
      } finally {
        await lock?.release();
      }
    },
  };
}

async function makeLatest(folder: string, tag: string): Promise<void> {
  await linkAtomically(join(ROOM, tag), join(folder, LATEST));
  await syncFolder(folder);
}

function requireDraft({ tag, draft }: StoredRelease): void {
  if (!draft) throw new ReleaseError("CONFLICT", `${tag} is published: it is not changed any more`);
}

/** Copies with the digest of what is written; a part that a killed run left is overwritten. */
async function copyIn(
  asset: WantedAsset,
  part: string,
  signal: AbortSignal,
  onBytes: OnBytes | undefined,
): Promise<void> {
  let bytes = 0;
  try {
    await writeExpected(
      part,
      asset,
      (onData) =>
        readPieces(asset.path, async (chunk) => {
          if (signal.aborted) throw new ReleaseError("INTERRUPTED", `copying ${asset.name} was interrupted`);
          await onData(chunk);
          bytes += chunk.length;
          onBytes?.(bytes);
        }),
      FILE_MODE,
    );
  } catch (error) {
    // Frees the room it took, which may be what is missing.
    await rm(part, { force: true });
    throw error;
  }
}

/** Takes out what is half written and brings everything down to the disk, before it gets its name. */
async function finishDraft(
  room: string,
  { tag }: StoredRelease,
  details: ReleaseDetails,
  at: <T>(name: string, work: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const draft = join(room, draftName(tag));
  const half = (await readdir(draft)).filter((file) => file.startsWith("."));
  for (const file of half) await removeWhole(join(draft, file));
  await at(`rename ${NOTES_FILE}`, () =>
    writeAtomically(join(draft, NOTES_FILE), `${details.notes.trimEnd()}\n`, FILE_MODE),
  );
  await syncFolder(draft);
}
