import { copyFile, mkdir, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "../lib/external/bounded-file.ts";
import { type Checkpoint, noCheckpoint } from "../lib/external/checkpoint.ts";
import { linkAtomically, syncFolder } from "../lib/external/durable-files.ts";
import { removeWhole } from "../lib/external/files.ts";
import type { Source } from "../lib/external/source.ts";
import { type OpenedManifest, openManifest } from "../lib/manifest/client/open.ts";
import { ManifestError } from "../lib/manifest/failure.ts";
import { MAX_BYTES } from "../lib/manifest/limits.ts";
import { readRoot } from "../lib/manifest/repository/root.ts";
import type { State } from "./state/record.ts";

const KINDS = ["root", "timestamp", "snapshot", "targets"] as const;
/** The folder that counts: a link to `metadata.<n>`. */
const LINK = "metadata";
const FOLDER = /^metadata\.(\d+)$/;

type Floors = Readonly<Pick<State["floors"], (typeof KINDS)[number]>>;

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

/** The keys of each role as a root names them, or nothing where it cannot be read. */
async function keysIn(file: string): Promise<ReadonlyMap<string, string>> {
  const read = await readBounded(file, MAX_BYTES.root);
  if (read.kind !== "content") return new Map();
  try {
    const { roles } = readRoot(read.bytes, file).signed;
    return new Map(Object.entries(roles).map(([name, role]) => [name, [...role.keyIDs].sort().join(" ")]));
  } catch {
    return new Map();
  }
}

/**
 * Our own floors, held against what was read: they are kept apart from the metadata, which can be lost. A role
 * whose keys a newer root changed may begin anew, as TUF has it after somebody stole a key and signed the version
 * numbers away (specification 5.3.11).
 */
async function checkFloors(
  opened: OpenedManifest,
  floors: Floors,
  before: string,
  after: string,
): Promise<void> {
  const [had, has] = [await keysIn(join(before, "root.json")), await keysIn(join(after, "root.json"))];
  const rotated = (name: string): boolean => had.get(name) !== undefined && had.get(name) !== has.get(name);
  // A new snapshot or timestamp key lets both begin anew: one names the other's version.
  const anew = { root: false, targets: rotated("targets"), snapshot: false, timestamp: false };
  anew.timestamp = rotated("timestamp") || rotated("snapshot");
  anew.snapshot = anew.timestamp;
  for (const kind of KINDS) {
    const [found, floor] = [opened.versions[kind], floors[kind]];
    if (found >= floor || anew[kind]) continue;
    throw new ManifestError("ROLLBACK", `${kind}.json: version ${found}, and ${floor} was seen before`, {
      fix: "somebody shows an old manifest: try another mirror, or wait",
    });
  }
}

async function openIn(
  request: MetadataRequest,
  name: string,
  before: string | undefined,
): Promise<OpenedManifest> {
  const { folder, source, trustedRoot, floors, now } = request;
  const at = join(folder, name);
  for (const kind of before === undefined ? [] : KINDS) {
    await copyFile(join(folder, before ?? "", `${kind}.json`), join(at, `${kind}.json`)).catch(
      () => undefined,
    );
  }
  const opened = await openManifest({ source, trustedRoot, folder: at, now });
  await checkFloors(opened, floors, join(folder, LINK), at);
  return opened;
}

/**
 * Reads the manifest in a copy of what was accepted before, and puts the copy in its place when all of it is
 * right: a cut at any moment leaves the old or the new. The one before is kept. What was kept and is damaged is
 * read anew from the image's root; the floors still hold. Throws ManifestError.
 */
export async function refreshMetadata(request: MetadataRequest): Promise<OpenedManifest> {
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
