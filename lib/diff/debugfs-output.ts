import { parseRuns, type Run } from "./extents.ts";

/** An inode as debugfs's `stat` shows it. */
export interface Inode {
  /** debugfs's word: regular, directory, symlink, character special ... */
  readonly type: string;
  /** Octal permission bits, such as `0644`. */
  readonly mode: string;
  /** `user:group`, as numbers. */
  readonly owner: string;
  readonly bytes: number;
  readonly links: number;
  /** When its content was last changed, ISO 8601, with nanoseconds where there are any. */
  readonly modified: string;
  /** `major:minor`, of devices. */
  readonly device: string | undefined;
  /** Extended attributes in debugfs's notation, `name = value`. */
  readonly attributes: readonly string[];
  /** Where its content lies; undefined where debugfs says it in a way that is not known here. */
  readonly runs: readonly Run[] | undefined;
  /** Of a link so short that it is kept in the inode. */
  readonly target: string | undefined;
}

/** A file so small that its content is in the inode: what makes our slots does not do that. */
const INLINE_DATA = 0x10000000;

const HEAD = /^Inode: (\d+) {3}Type: (.+?) {4}Mode: {2}(\d+) /;

/** Seconds and, in its upper 30 bits, nanoseconds; its lower two lengthen the seconds beyond 2038. */
function timeOf(text: string): string {
  const match = /mtime: 0x([0-9a-f]+)(?::([0-9a-f]+))?/.exec(text);
  const [low, extra] = [Number.parseInt(match?.[1] ?? "0", 16) | 0, Number.parseInt(match?.[2] ?? "0", 16)];
  const whole = new Date((low + (extra & 3) * 2 ** 32) * 1000).toISOString().replace(".000Z", "");
  const nanoseconds = extra >>> 2;
  return nanoseconds === 0 ? `${whole}Z` : `${whole}.${String(nanoseconds).padStart(9, "0")}Z`;
}

function parseInode(lines: readonly string[], type: string, mode: string): Inode {
  const text = lines.join("\n");
  const owner = /^User: +(\d+) +Group: +(\d+).* Size: (\d+)$/m.exec(text);
  const from = lines.indexOf("Extended attributes:") + 1;
  const rest = from === 0 ? [] : lines.slice(from);
  const end = rest.findIndex((line) => !line.startsWith("  "));
  const attributes = rest.slice(0, end < 0 ? rest.length : end);
  const blocks = lines.findIndex((line) => line === "EXTENTS:" || line === "BLOCKS:") + 1;
  const inline = (Number.parseInt(/ Flags: 0x([0-9a-f]+)/.exec(text)?.[1] ?? "0", 16) & INLINE_DATA) !== 0;
  return {
    ...{ type, mode },
    owner: `${owner?.[1]}:${owner?.[2]}`,
    bytes: Number(owner?.[3]),
    links: Number(/^Links: (\d+)/m.exec(text)?.[1]),
    modified: timeOf(text),
    device: /^Device major\/minor number: (\S+)/m.exec(text)?.[1],
    attributes: attributes.map((line) => line.trim().replace(/ \(\d+\) = /, " = ")).sort(),
    runs: inline ? undefined : parseRuns(blocks === 0 ? "" : (lines[blocks] ?? "")),
    target: /^Fast link dest: "(.*)"$/m.exec(text)?.[1],
  };
}

/** Reads the output of many `stat <NUMBER>`; what is none of it is passed over. */
export function parseInodes(lines: Iterable<string>): Map<number, Inode> {
  const inodes = new Map<number, Inode>();
  let held: { readonly head: RegExpExecArray; readonly lines: string[] } | undefined;
  const finish = (): void => {
    const [, number, type = "", mode = ""] = held?.head ?? [];
    if (held !== undefined) inodes.set(Number(number), parseInode(held.lines, type, mode));
  };
  for (const line of lines) {
    const head = HEAD.exec(line);
    if (line.startsWith("debugfs: ")) continue;
    if (head === null) held?.lines.push(line);
    else {
      finish();
      held = { head, lines: [line] };
    }
  }
  finish();
  return inodes;
}

export interface Listing {
  /** Names and inode numbers by the inode number of the folder; without `.` and `..`. */
  readonly folders: ReadonlyMap<number, readonly { readonly name: string; readonly inode: number }[]>;
  /** Lines that are no entry: a name with a line break in it, or debugfs's own words. */
  readonly strange: readonly string[];
}

/** Reads the output of many `ls -p <NUMBER>`, each behind the command that debugfs repeats. */
export function parseListing(lines: Iterable<string>): Listing {
  const folders = new Map<number, { name: string; inode: number }[]>();
  const strange: string[] = [];
  let entries: { name: string; inode: number }[] | undefined;
  for (const line of lines) {
    const command = /^debugfs: ls -p <(\d+)>$/.exec(line);
    const entry = /^\/(\d+)\/\d+\/\d+\/\d+\/([^/]*)\/\d*\/$/.exec(line);
    if (command !== null) {
      entries = [];
      folders.set(Number(command[1]), entries);
    } else if (entry !== null && entries !== undefined) {
      const [, inode, name = ""] = entry;
      // Inode 0 is the room of a folder's checksum, or of a name that was taken out.
      if (inode !== "0" && name !== "." && name !== "..") entries.push({ name, inode: Number(inode) });
    } else if (line !== "") strange.push(line);
  }
  return { folders, strange };
}

export const ROOT_INODE = 2;

/**
 * Absolute path and inode number of everything below the root, folders before what is in them. A folder that
 * is met again, as only a damaged file system has it, is not entered twice.
 */
export function pathsOf({ folders }: Listing): [path: string, inode: number][] {
  const paths: [string, number][] = [];
  const entered = new Set<number>();
  const enter = (path: string, inode: number): void => {
    if (entered.has(inode)) return;
    entered.add(inode);
    for (const entry of folders.get(inode) ?? []) {
      paths.push([`${path}/${entry.name}`, entry.inode]);
      enter(`${path}/${entry.name}`, entry.inode);
    }
  };
  enter("", ROOT_INODE);
  return paths;
}

/** What a file system says of itself, as `stats -h` prints it, that two builds of the same must agree on. */
const HEADER = {
  label: "Filesystem volume name",
  uuid: "Filesystem UUID",
  features: "Filesystem features",
  created: "Filesystem created",
  "hash seed": "Directory Hash Seed",
  inodes: "Inode count",
  blocks: "Block count",
  "block size": "Block size",
} as const;

/** Undefined where the text is no header: there is no such file system. */
export function parseHeader(text: string): Record<keyof typeof HEADER, string> | undefined {
  const value = (title: string): string | undefined => new RegExp(`^${title}: +(.*)$`, "m").exec(text)?.[1];
  const entries = Object.entries(HEADER).map(([name, title]) => [name, value(title)] as const);
  if (entries.some(([, found]) => found === undefined)) return undefined;
  return Object.fromEntries(entries) as Record<keyof typeof HEADER, string>;
}
