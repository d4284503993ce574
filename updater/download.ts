import { createHash } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../lib/external/clock.ts";
import { syncFolder } from "../lib/external/durable-files.ts";
import { roomAt, sha256OfFile } from "../lib/external/files.ts";
import { withReader } from "../lib/external/ranges.ts";
import { dataFailure } from "./data-failure.ts";
import { UpdaterError } from "./failure.ts";
import { download as limits, proxy as proxyLimits } from "./limits.ts";
import { type ProxyLimits, type RemoteFile, type Transfer, Upstream } from "./proxy/upstream.ts";

export interface WholeFile extends RemoteFile {
  readonly sha256: string;
}

const PIECE_BYTES = 1024 * 1024;
/** So much is lost of a download when the power goes, in bytes. */
const SYNC_BYTES = 16 * PIECE_BYTES;

/**
 * Downloads a bundle to `path`, going on where an earlier run was cut off, and checks its digest; there is no file
 * at `path` before that. What an earlier run finished is not asked for again. Throws UpdaterError STREAM (the servers),
 * SPACE (data is full or read-only), DOWNLOAD (it is another file, or cannot be read or written: what was there is
 * removed, so that the next run begins anew).
 */
export async function downloadBundle(
  file: WholeFile,
  path: string,
  clock: Clock,
  options: ProxyLimits = proxyLimits,
): Promise<Transfer> {
  const part = `${path}.part`;
  const upstream = new Upstream(file, clock, options);
  try {
    if (await isFinished(file, path)) return upstream.transfer;
    await mkdir(dirname(path), { recursive: true });
    const had = await sizeOf(part);
    if (had > file.bytes) await rm(part, { force: true });
    await requireRoom(path, file.bytes - (had > file.bytes ? 0 : had));
    const sha256 = await fetchRest(file, part, upstream, clock);
    if (sha256 !== file.sha256) {
      await rm(part, { force: true });
      throw new UpdaterError("DOWNLOAD", `the bundle has sha256 ${sha256}, expected ${file.sha256}`, {
        fix: "a mirror serves another file; the next run begins anew",
      });
    }
    await rename(part, path);
    await syncFolder(dirname(path));
    return upstream.transfer;
  } catch (error) {
    const failure = dataFailure(error, "the bundle could not be kept there");
    if (failure === undefined) throw error;
    // The node needs the room more than the next run needs the part, and what cannot be read is of no use.
    await rm(part, { force: true }).catch(() => undefined);
    throw failure;
  } finally {
    upstream.close();
  }
}

/**
 * Whether an earlier run has downloaded it, and RAUC could not take it then. What is there and is something else, or
 * cannot be read, is removed.
 */
async function isFinished({ bytes, sha256 }: WholeFile, path: string): Promise<boolean> {
  const found = (await sizeOf(path)) === bytes ? await sha256OfFile(path).catch(() => undefined) : undefined;
  if (found !== sha256) await rm(path, { force: true });
  return found === sha256;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function requireRoom(path: string, bytes: number): Promise<void> {
  const { freeBytes, refuses } = await roomAt(dirname(path));
  if (refuses !== undefined)
    throw new UpdaterError("SPACE", `nothing can be written to ${dirname(path)} (${refuses})`);
  if (freeBytes >= bytes + limits.spareBytes) return;
  throw new UpdaterError("SPACE", `${dirname(path)} has ${freeBytes} bytes free, the bundle needs ${bytes}`, {
    fix: "make room on data",
  });
}

/** SHA-256 (hex) of the whole file. */
async function fetchRest(file: WholeFile, part: string, upstream: Upstream, clock: Clock): Promise<string> {
  const until = clock.elapsed() + limits.totalMs;
  const hash = createHash("sha256");
  const handle = await open(part, "a", 0o600);
  try {
    let at = (await handle.stat()).size;
    await withReader(part, async (read) => {
      for (let from = 0; from < at; from += PIECE_BYTES) {
        hash.update(await read(from, Math.min(PIECE_BYTES, at - from)));
      }
    });
    for (let unsynced = 0; at < file.bytes; ) {
      if (clock.elapsed() > until)
        throw new UpdaterError("STREAM", "the download took too long; the next run goes on");
      const piece = await upstream.read(at, Math.min(PIECE_BYTES, file.bytes - at));
      await handle.appendFile(piece);
      hash.update(piece);
      at += piece.length;
      unsynced += piece.length;
      if (unsynced < SYNC_BYTES) continue;
      await handle.datasync();
      unsynced = 0;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return hash.digest("hex");
}
