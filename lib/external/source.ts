import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../failure.ts";

export type SourceCode = "TOO_LARGE" | "UNREACHABLE" | "STATUS" | "INTERRUPTED" | "UNREADABLE";

export class SourceError extends Failure<SourceCode> {
  readonly area = "source";
}

/** A place small files are read from by their path: a folder, or an address on the web. */
export interface Source {
  /** For people. */
  readonly place: string;
  /**
   * The whole file, or undefined where there is none. `path` is relative, with forward slashes, and of the
   * caller's own making. Throws SourceError, also where it has more than `maxBytes`.
   */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
}

const tooLarge = (what: string, maxBytes: number): SourceError =>
  new SourceError("TOO_LARGE", `${what} is larger than ${maxBytes} bytes`, {
    fix: "it is not what it should be",
  });

/** The files of a folder. */
export function folderSource(folder: string): Source {
  return {
    place: `the folder ${folder}`,
    read: async (path, maxBytes) => {
      const file = join(folder, path);
      try {
        if ((await stat(file)).size > maxBytes) throw tooLarge(file, maxBytes);
        return await readFile(file);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === "ENOENT" || code === "ENOTDIR") return undefined;
        if (error instanceof SourceError) throw error;
        throw new SourceError("UNREADABLE", `${file} cannot be read (${code})`, { cause: error });
      }
    },
  };
}

export interface WebSourceOptions {
  /** For one file, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

async function bounded(body: ReadableStream<Uint8Array>, url: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(url, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The files below an address. Http is let pass, for a LAN: what is read here is signed. Not found (404, and 403
 * as object stores say it) is undefined; no caches on the way are asked.
 */
export function webSource(base: string, options: WebSourceOptions): Source {
  const root = base.endsWith("/") ? base : `${base}/`;
  return {
    place: root,
    read: async (path, maxBytes) => {
      const url = new URL(path, root).href;
      const deadline = AbortSignal.timeout(options.timeoutMs);
      const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
      try {
        const response = await fetch(url, { signal, headers: { "cache-control": "no-cache" } });
        if (response.ok && response.body !== null) return await bounded(response.body, url, maxBytes);
        await response.body?.cancel();
        if (response.status === 404 || response.status === 403) return undefined;
        throw new SourceError("STATUS", `${url} was answered with ${response.status}`, {
          fix: "try again later",
        });
      } catch (error) {
        if (error instanceof SourceError) throw error;
        if (options.signal?.aborted === true)
          throw new SourceError("INTERRUPTED", `fetching ${url} was interrupted`);
        const why = deadline.aborted ? `no answer within ${options.timeoutMs / 1000} s` : causeOf(error);
        throw new SourceError("UNREACHABLE", `${url} could not be fetched: ${why}`, {
          fix: "check the address and the network, then try again",
        });
      }
    },
  };
}

/** fetch says only "fetch failed"; its cause knows the host and the errno. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
