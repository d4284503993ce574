import { join } from "node:path";
import { readBounded } from "../external/bounded-file.ts";
import { namesIn, type PrivateRead, readPrivate } from "../external/private-files.ts";
import { KeyError } from "./failure.ts";
import { MAX_PEM_BYTES } from "./limits.ts";
import type { PemText } from "./pem.ts";

/** A private file as it was found; where it cannot be read, the error that whoever needs it gets. */
export type FoundKey = PemText | KeyError;

/** Undefined where there is no such file. Throws KeyError EXPOSED: what others could read may be theirs by now. */
export async function findKey(folder: string, name: string, what: string): Promise<FoundKey | undefined> {
  return foundIn(await readPrivate(join(folder, name), MAX_PEM_BYTES), what, join(folder, name));
}

/** The same for a certificate, which everybody may read. */
export async function findCertificate(
  folder: string,
  name: string,
  what: string,
): Promise<FoundKey | undefined> {
  return foundIn(await readBounded(join(folder, name), MAX_PEM_BYTES), what, join(folder, name));
}

function foundIn(read: PrivateRead, what: string, where: string): FoundKey | undefined {
  const unreadable = (why: string, fix: string): KeyError =>
    new KeyError("UNREADABLE", `${what} in ${where}: ${why}`, { fix });
  switch (read.kind) {
    case "absent":
      return undefined;
    case "folder":
      return unreadable("a folder, not a file", "is this the right folder?");
    case "denied":
      return unreadable("you may not read it", "run as the user it belongs to");
    case "too-large":
      return unreadable(`${read.sizeBytes} bytes; a key has less than 1 KiB`, "is this the right file?");
    case "exposed": {
      const mode = read.mode.toString(8).padStart(4, "0");
      const right = read.path === where ? "0600" : "0700";
      throw new KeyError(
        "EXPOSED",
        `${what} in ${where}: others may read it (${read.path} has mode ${mode})`,
        {
          fix: `chmod ${right} ${read.path}; if others use this machine, make a new key as well`,
        },
      );
    }
    case "content":
      return { text: Buffer.from(read.bytes).toString("utf8"), what, where };
  }
}

/** The numbers a role's keys have in a folder, smallest first: `[1, 2]` for root-1.pem and root-2.pem. */
export async function numbersOf(folder: string, role: string): Promise<number[]> {
  const pattern = new RegExp(`^${role}-([1-9][0-9]?)\\.pem$`);
  const found = ((await namesIn(folder)) ?? []).map((name) => pattern.exec(name)?.[1]);
  return found
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}
