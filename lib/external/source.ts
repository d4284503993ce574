import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import { whyNoAnswer } from "./no-answer.ts";

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

/** A place that large files are looked at as well, without keeping them. */
export interface LargeSource extends Source {
  /** Size and SHA-256 (hex) of a file, or undefined where there is none. Throws SourceError as `read` does. */
  digest(path: string, maxBytes: number, onBytes?: (bytes: number) => void): Promise<FileDigest | undefined>;
}

export interface FileDigest {
  readonly bytes: number;
  readonly sha256: string;
}

async function digestOf(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
  maxBytes: number,
  onBytes?: (bytes: number) => void,
): Promise<FileDigest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(what, maxBytes);
    hash.update(chunk);
    onBytes?.(bytes);
  }
  return { bytes, sha256: hash.digest("hex") };
}

const tooLarge = (what: string, maxBytes: number): SourceError =>
  new SourceError("TOO_LARGE", `${what} is larger than ${maxBytes} bytes`, {
    fix: "it is not what it should be",
  });

/** The files of a folder. */
export function folderSource(folder: string): LargeSource {
  const reading = async <T>(path: string, work: (file: string) => Promise<T>): Promise<T | undefined> => {
    const file = join(folder, path);
    try {
      return await work(file);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      if (error instanceof SourceError) throw error;
      throw new SourceError("UNREADABLE", `${file} cannot be read (${code})`, { cause: error });
    }
  };
  return {
    place: `the folder ${folder}`,
    read: (path, maxBytes) =>
      reading(path, async (file) => {
        if ((await stat(file)).size > maxBytes) throw tooLarge(file, maxBytes);
        return readFile(file);
      }),
    digest: (path, maxBytes, onBytes) =>
      reading(path, (file) =>
        digestOf(createReadStream(file, { highWaterMark: MIB }), file, maxBytes, onBytes),
      ),
  };
}

const MIB = 1024 * 1024;

export interface WebSourceOptions {
  /** For one file that is read, and between two pieces of one that is looked at, in milliseconds. */
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
export function webSource(base: string, options: WebSourceOptions): LargeSource {
  const root = base.endsWith("/") ? base : `${base}/`;
  const asking = async <T>(
    path: string,
    work: (body: ReadableStream<Uint8Array>, url: string, progress: () => void) => Promise<T>,
  ): Promise<T | undefined> => {
    const url = new URL(path, root).href;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), options.timeoutMs);
    const signal =
      options.signal === undefined ? late.signal : AbortSignal.any([late.signal, options.signal]);
    try {
      const response = await fetch(url, { signal, headers: { "cache-control": "no-cache" } });
      if (response.ok && response.body !== null) return await work(response.body, url, () => timer.refresh());
      await response.body?.cancel();
      if (response.status === 404 || response.status === 403) return undefined;
      throw new SourceError("STATUS", `${url} was answered with ${response.status}`, {
        fix: "try again later",
      });
    } catch (error) {
      if (error instanceof SourceError) throw error;
      if (options.signal?.aborted === true)
        throw new SourceError("INTERRUPTED", `fetching ${url} was interrupted`);
      const why = late.signal.aborted ? `no answer within ${options.timeoutMs / 1000} s` : causeOf(error);
      throw new SourceError("UNREACHABLE", `${url} could not be fetched: ${why}`, {
        fix: "check the address and the network, then try again",
      });
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    place: root,
    read: (path, maxBytes) => asking(path, (body, url) => bounded(body, url, maxBytes)),
    digest: (path, maxBytes, onBytes) =>
      asking(path, (body, url, progress) =>
        digestOf(body, url, maxBytes, (bytes) => {
          progress();
          onBytes?.(bytes);
        }),
      ),
  };
}

/** fetch says only "fetch failed"; its cause knows the host and the errno. */
function causeOf(error: unknown): string {
  return whyNoAnswer(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}
