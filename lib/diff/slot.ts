import { lstat, mkdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PartitionEntry } from "../emulator/partition-table.ts";
import { readTextIfPresent, sha256OfText } from "../external/files.ts";
import { parseDpkgStatus } from "../image/base/dpkg-status.ts";
import { type Inode, parseHeader, parseInodes, parseListing, pathsOf } from "./debugfs-output.ts";
import { DiffError } from "./failure.ts";
import type { Records } from "./records.ts";
import { imageInside, runTool, type Workplace } from "./workplace.ts";

/** What slot A holds. */
export interface SlotContent {
  readonly paths: Records;
  readonly packages: Records;
  /** What its file system says of itself. */
  readonly header: Readonly<Record<string, string>>;
}

/** Far more than a slot has room for: a number above it is damage, not a count. */
const MOST_INODES = 4_000_000;
const KINDS: Readonly<Record<string, string>> = { regular: "file", directory: "folder", symlink: "link" };

function failure(place: Workplace, what: string, details: readonly string[] = []): DiffError {
  return new DiffError("FILE_SYSTEM", `slot A of ${place.name} ${what}`, { details });
}

/** Runs debugfs with commands from a file; resolves to its lines of standard output. */
async function debugfs(place: Workplace, slot: string, commands: readonly string[]): Promise<string[]> {
  const file = join(place.work, "commands");
  await writeFile(file, `${commands.join("\n")}\n`);
  const lines: string[] = [];
  await runTool(place, ["debugfs", "-f", file, slot], {
    onLine: (line, stream) => {
      if (stream === "stdout") lines.push(line);
    },
  });
  return lines;
}

/**
 * Takes slot A apart with debugfs: every path with kind, mode, owner, size, content (SHA-256), target, time,
 * number of links, device and extended attributes, and the packages that dpkg's records name.
 * Throws DiffError FILE_SYSTEM. Needs room for the slot's files in the work folder.
 */
export async function readSlot(place: Workplace, slotA: PartitionEntry): Promise<SlotContent> {
  const slot = `${imageInside(place)}?offset=${slotA.offset}`;
  const header = parseHeader((await debugfs(place, slot, ["stats -h"])).join("\n"));
  if (header === undefined) throw failure(place, "holds no ext4 file system");
  const count = Number(header.inodes);
  if (!(count <= MOST_INODES)) throw failure(place, `is damaged: it claims to have ${header.inodes} inodes`);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const inodes = parseInodes(
    await debugfs(
      place,
      slot,
      numbers.map((number) => `stat <${number}>`),
    ),
  );
  const folders = numbers.filter((number) => {
    const inode = inodes.get(number);
    return inode?.type === "directory" && inode.links > 0;
  });
  const listed = await debugfs(
    place,
    slot,
    folders.map((number) => `ls -p <${number}>`),
  );
  const listing = parseListing(listed);
  if (listing.strange.length > 0) throw failure(place, "holds names that cannot be read", listing.strange);
  const dump = join(place.work, "slot");
  await mkdir(dump);
  const { stderr } = await runTool(place, ["debugfs", "-R", `rdump / ${dump}`, slot]);
  const paths = new Map<string, Readonly<Record<string, string>>>();
  for (const [path, number] of pathsOf(listing)) {
    place.world.signal.throwIfAborted();
    const inode = inodes.get(number);
    if (inode === undefined) throw failure(place, `is damaged: ${path} has inode ${number}, which is none`);
    paths.set(path, await describe(place, dump, path, inode, stderr));
  }
  const status = await readTextIfPresent(join(dump, "var/lib/dpkg/status"));
  return { paths, packages: packagesIn(status ?? ""), header };
}

/** Aspects in the order people want to read them. */
async function describe(
  place: Workplace,
  dump: string,
  path: string,
  inode: Inode,
  complaints: string,
): Promise<Record<string, string>> {
  const { type, mode, owner, bytes, links, modified, device, attributes } = inode;
  const copy = join(dump, path);
  const isFile = type === "regular";
  if (isFile && (await lstat(copy).catch(() => undefined))?.size !== bytes) {
    throw failure(place, `is damaged: ${path} cannot be read`, complaints.trim().split("\n").slice(1, 20));
  }
  return {
    kind: KINDS[type] ?? type,
    ...(isFile ? { content: sha256OfText(await readFile(copy)), size: String(bytes) } : {}),
    ...(type === "symlink" ? { target: await readlink(copy) } : {}),
    ...(device === undefined ? {} : { device }),
    mode,
    owner,
    // A folder's are those of the folders in it.
    ...(type === "directory" ? {} : { links: String(links) }),
    ...(attributes.length === 0 ? {} : { attributes: attributes.join(", ") }),
    time: modified,
  };
}

function packagesIn(status: string): Records {
  const packages = parseDpkgStatus(status);
  return new Map(packages.map(({ name, architecture, version }) => [`${name}:${architecture}`, { version }]));
}
