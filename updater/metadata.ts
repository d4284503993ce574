import { copyFile, mkdir, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "../lib/external/bounded-file.ts";
import { type Checkpoint, noCheckpoint } from "../lib/external/checkpoint.ts";
import { linkAtomically, syncFolder } from "../lib/external/durable-files.ts";
import { removeWhole, sha256OfText } from "../lib/external/files.ts";
import type { Source } from "../lib/external/source.ts";
import { type OpenedManifest, openManifest } from "../lib/manifest/client/open.ts";
import { ManifestError } from "../lib/manifest/failure.ts";
import { MAX_BYTES } from "../lib/manifest/limits.ts";
import { readRoot } from "../lib/manifest/repository/root.ts";
import { begunAnew, type KeysOfRoles, type State } from "./state/record.ts";

const KINDS = ["root", "timestamp", "snapshot", "targets"] as const;
/** The folder that counts: a link to `metadata.<n>`. */
const LINK = "metadata";
const FOLDER = /^metadata\.(\d+)$/;

type Floors = Readonly<Pick<State["floors"], (typeof KINDS)[number] | "keys">>;

/** A manifest, and whose keys its numbers are of. */
export interface RefreshedManifest extends OpenedManifest {
  readonly keys: KeysOfRoles;
}

export interface MetadataRequest {
  /** On data; holds `metadata` and the folders it points at. */
  readonly folder: string;
  readonly source: Source;
  /** Content of the root the image carries. */
  readonly trustedRoot: Uint8Array;
  readonly floors: Floors;
  readonly now: Date;
  readonly checkpoint?: Checkpoint;
}

/** Name of the folder in force, where there is one. */
async function current(folder: string): Promise<string | undefined> {
  const name = await readlink(join(folder, LINK)).catch(() => undefined);
  return name !== undefined && FOLDER.test(name) ? name : undefined;
}

/** An empty folder with a number nobody has had. */
async function scratch(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const numbers = (await readdir(folder)).map((name) => Number(FOLDER.exec(name)?.[1] ?? 0));
  const name = `metadata.${Math.max(0, ...numbers) + 1}`;
  await mkdir(join(folder, name));
  return name;
}

async function tidy(folder: string, kept: readonly (string | undefined)[]): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${LINK}.`));
  for (const name of names.filter((one) => !kept.includes(one))) await removeWhole(join(folder, name));
}

/** The keys a root names for the roles that are signed often. Throws ManifestError. */
async function keysIn(file: string): Promise<KeysOfRoles> {
  const read = await readBounded(file, MAX_BYTES.root);
  if (read.kind !== "content")
    throw new ManifestError("ABSENT", `${file}: was not kept`, { fix: "the next run reads it again" });
  const { roles } = readRoot(read.bytes, file).signed;
  const idsOf = (name: string): string => sha256OfText([...(roles[name]?.keyIDs ?? [])].sort().join(" "));
  return { timestamp: idsOf("timestamp"), snapshot: idsOf("snapshot"), targets: idsOf("targets") };
}

/** Our own floors, held against what was read: they are kept apart from the metadata, which can be lost. */
function checkFloors({ versions }: OpenedManifest, keys: KeysOfRoles, floors: Floors): void {
  const anew: ReadonlySet<string> = begunAnew(floors.keys, keys);
  for (const kind of KINDS) {
    const [found, floor] = [versions[kind], floors[kind]];
    if (found >= floor || anew.has(kind)) continue;
    throw new ManifestError("ROLLBACK", `${kind}.json: version ${found}, and ${floor} was seen before`, {
      fix: "somebody shows an old manifest: try another mirror, or wait",
    });
  }
}

async function openIn(
  request: MetadataRequest,
  name: string,
  before: string | undefined,
): Promise<RefreshedManifest> {
  const { folder, source, trustedRoot, floors, now } = request;
  const at = join(folder, name);
  for (const kind of before === undefined ? [] : KINDS) {
    await copyFile(join(folder, before ?? "", `${kind}.json`), join(at, `${kind}.json`)).catch(
      () => undefined,
    );
  }
  const opened = await openManifest({ source, trustedRoot, folder: at, now });
  const keys = await keysIn(join(at, "root.json"));
  checkFloors(opened, keys, floors);
  return { ...opened, keys };
}

/**
 * Reads the manifest in a copy of what was accepted before, and puts the copy in its place when all of it is
 * right: a cut at any moment leaves the old or the new. The one before is kept. What was kept and is damaged is
 * read anew from the image's root; the floors still hold. Throws ManifestError.
 */
export async function refreshMetadata(request: MetadataRequest): Promise<RefreshedManifest> {
  const { folder, checkpoint = noCheckpoint } = request;
  const before = await current(folder);
  await mkdir(folder, { recursive: true });
  await tidy(folder, [before, await previousOf(folder, before)]);
  const tries = before === undefined ? [undefined] : [before, undefined];
  for (const from of tries) {
    const name = await scratch(folder);
    try {
      const opened = await openIn(request, name, from);
      await checkpoint("read the manifest");
      await syncAll(join(folder, name));
      await checkpoint("synced the manifest");
      await linkAtomically(name, join(folder, LINK));
      await checkpoint("switched the manifest");
      await syncFolder(folder);
      await tidy(folder, [name, before]);
      return opened;
    } catch (error) {
      await removeWhole(join(folder, name));
      // Damaged here, or damaged there: only the first is mended by forgetting what was kept.
      const damaged = error instanceof ManifestError && error.code === "FILE";
      if (!damaged || from === undefined) throw error;
    }
  }
  throw new Error("no try was left");
}

async function previousOf(folder: string, before: string | undefined): Promise<string | undefined> {
  const number = Number(FOLDER.exec(before ?? "")?.[1] ?? 0);
  const older = (await readdir(folder))
    .map((name) => ({ name, number: Number(FOLDER.exec(name)?.[1] ?? 0) }))
    .filter((one) => one.number > 0 && one.number < number)
    .sort((a, b) => b.number - a.number);
  return older[0]?.name;
}

async function syncAll(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const handle = await open(join(folder, name), "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  await syncFolder(folder);
}
