import { BaseFetcher } from "tuf-js";
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import type { Source } from "../../external/source.ts";
import { ManifestError } from "../failure.ts";
import { MAX_BYTES } from "../limits.ts";
import { type MetadataName, metadataBytes, readMetadata, type Signed } from "../repository/metadata.ts";
import { parseVersionedName, TIMESTAMP } from "../repository/names.ts";

/** Stands for the source's own address: tuf-js joins names to it, and hands them back to `fetch`. */
export const BASE_URL = "manifest://source";

function kindOf(path: string): MetadataName {
  if (path === TIMESTAMP) return "timestamp";
  const name = parseVersionedName(path);
  if (name === undefined) throw new Error(`tuf-js asked for ${path}`);
  return name.kind;
}

/** What tuf-js reads goes through here: from the source, in canonical form, and remembered. */
export class CheckingFetcher extends BaseFetcher {
  readonly #source: Source;
  /** The file asked for last: the one an error behind it is about. */
  last = "";
  /** Why it gave no answer: tuf-js keeps only the text of what is thrown here. */
  failure: unknown;
  /** Roots that came, in order. */
  readonly roots: Signed<"root">[] = [];

  constructor(source: Source) {
    super();
    this.#source = source;
  }

  override async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    try {
      return await this.#read(url.slice(BASE_URL.length + 1));
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  async #read(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const kind = kindOf(path);
    const content = await this.#source.read(path, MAX_BYTES[kind]);
    if (content === undefined) {
      // So tuf-js learns that there is no further root; of every other file it is an error.
      if (kind === "root") throw new DownloadHTTPError("not there", 404);
      this.last = path;
      throw new ManifestError("ABSENT", `${path}: is not in ${this.#source.place}`, {
        fix:
          kind === "timestamp"
            ? "is this the address of a manifest?"
            : "try again; if it stays so, publish anew",
      });
    }
    this.last = path;
    const metadata = readMetadata(kind, path, content);
    if (kind === "root") this.roots.push(readMetadata("root", path, metadataBytes(metadata)));
    return new Blob([Buffer.from(content)]).stream();
  }
}
