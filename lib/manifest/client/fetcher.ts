import type { Fetcher } from "tuf-js";
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import type { Source } from "../../external/source.ts";
import { ManifestError } from "../failure.ts";
import { MAX_BYTES } from "../limits.ts";
import { type MetadataName, readMetadata, type Signed } from "../repository/metadata.ts";
import { parseVersionedName, TIMESTAMP } from "../repository/names.ts";

/** Stands for the source's own address: tuf-js joins names to it, and hands them back. */
export const BASE_URL = "manifest://source";

function kindOf(path: string): MetadataName {
  if (path === TIMESTAMP) return "timestamp";
  const name = parseVersionedName(path);
  if (name === undefined) throw new Error(`tuf-js asked for ${path}`);
  return name.kind;
}

/** What tuf-js reads goes through here: from the source, in canonical form, and remembered. */
export class CheckingFetcher implements Fetcher {
  readonly #source: Source;
  /** The file asked for last: the one an error behind it is about. */
  last = "";
  /** Why it gave no answer: tuf-js keeps only the text of what is thrown here. */
  failure: unknown;
  /** Roots that came, in order. */
  readonly roots: Signed<"root">[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    try {
      return await this.#read(url.slice(BASE_URL.length + 1), maxLength);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /** For targets, which tuf-js is never asked for. */
  async downloadFile<T>(url: string): Promise<T> {
    throw new Error(`tuf-js asked for ${url}`);
  }

  async #read(path: string, maxLength: number): Promise<Buffer> {
    const kind = kindOf(path);
    const content = await this.#source.read(path, Math.min(maxLength, MAX_BYTES[kind]));
    // So tuf-js learns that there is no further root; of every other file it is an error.
    if (content === undefined && kind === "root") throw new DownloadHTTPError("not there", 404);
    this.last = path;
    if (content === undefined) {
      throw new ManifestError("ABSENT", `${path}: is not in ${this.#source.place}`, {
        fix:
          kind === "timestamp"
            ? "is this the address of a manifest?"
            : "try again; if it stays so, publish anew",
      });
    }
    readMetadata(kind, path, content);
    if (kind === "root") this.roots.push(readMetadata("root", path, content));
    return Buffer.from(content);
  }
}
