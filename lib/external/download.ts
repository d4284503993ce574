import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import { whyNoAnswer } from "./no-answer.ts";

export type DownloadCode =
  | "INSECURE"
  | "UNREACHABLE"
  | "STATUS"
  | "TOO_LARGE"
  | "TIMEOUT"
  | "DIGEST"
  | "INTERRUPTED";

export class DownloadError extends Failure<DownloadCode> {
  readonly area = "download";
}

export interface DownloadRequest {
  /** https, or http on this machine's loopback. */
  readonly url: string;
  /** Where the file lands, by rename, when it is whole and right. */
  readonly to: string;
  /** SHA-256 (hex) the content must have. Without one the caller checks the digest it gets back. */
  readonly sha256?: string;
  readonly maxBytes: number;
  /** For the whole download, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Bytes so far, and in all where the server says so. */
  readonly onProgress?: (bytes: number, totalBytes: number | undefined) => void;
}

export interface Downloaded {
  readonly sha256: string;
  readonly bytes: number;
}

function requireSecure(url: string): void {
  const { protocol, hostname } = new URL(url);
  const loopback = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
  if (protocol === "https:" || (protocol === "http:" && loopback)) return;
  throw new DownloadError("INSECURE", `${url} is not fetched over https`, { fix: "use an https address" });
}

function limits(request: DownloadRequest): { deadline: AbortSignal; signal: AbortSignal } {
  const deadline = AbortSignal.timeout(request.timeoutMs);
  const signals = request.signal === undefined ? [deadline] : [deadline, request.signal];
  return { deadline, signal: AbortSignal.any(signals) };
}

/** Names what ended a fetch that threw. */
function explain(error: unknown, request: DownloadRequest, deadline: AbortSignal): unknown {
  if (error instanceof DownloadError) return error;
  if (request.signal?.aborted === true) {
    return new DownloadError("INTERRUPTED", `fetching ${request.url} was interrupted`);
  }
  if (deadline.aborted) {
    const seconds = Math.round(request.timeoutMs / 1000);
    return new DownloadError("TIMEOUT", `fetching ${request.url} took longer than ${seconds} s`, {
      fix: "run it again when the network is faster, or put the file where the program looks for it",
    });
  }
  // fetch says only "fetch failed" itself; its cause knows the host and the errno.
  if (error instanceof TypeError && error.cause instanceof Error) {
    return new DownloadError(
      "UNREACHABLE",
      `${request.url} could not be fetched: ${whyNoAnswer(error.cause)}`,
      {
        fix: "check the network and the proxy settings",
      },
    );
  }
  return error;
}

async function receive(
  request: DownloadRequest,
  signal: AbortSignal,
  temporary: string,
): Promise<Downloaded> {
  const response = await fetch(request.url, { signal, redirect: "follow" });
  requireSecure(response.url);
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new DownloadError(
      "STATUS",
      `${request.url} was answered with ${response.status} ${response.statusText}`,
    );
  }
  const announced = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isFinite(announced) ? announced : undefined;
  const hash = createHash("sha256");
  const handle = await open(temporary, "wx");
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.byteLength;
      if (bytes > request.maxBytes || (total ?? 0) > request.maxBytes) {
        throw new DownloadError("TOO_LARGE", `${request.url} is larger than ${request.maxBytes} bytes`);
      }
      hash.update(chunk);
      await handle.writeFile(chunk);
      request.onProgress?.(bytes, total);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest("hex"), bytes };
}

/**
 * Fetches one file. It appears at `to` only when it is whole, not larger than allowed and has the digest
 * asked for; otherwise nothing is left. Throws DownloadError.
 */
export async function download(request: DownloadRequest): Promise<Downloaded> {
  requireSecure(request.url);
  const { deadline, signal } = limits(request);
  await mkdir(dirname(request.to), { recursive: true });
  const temporary = `${request.to}.part-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    const got = await receive(request, signal, temporary);
    if (request.sha256 !== undefined && got.sha256 !== request.sha256) {
      throw new DownloadError(
        "DIGEST",
        `${request.url} has sha256 ${got.sha256}, expected ${request.sha256}`,
        {
          fix: "do not use it; if the publisher replaced the file on purpose, pin the new digest",
        },
      );
    }
    await rename(temporary, request.to);
    return got;
  } catch (error) {
    throw explain(error, request, deadline);
  } finally {
    await rm(temporary, { force: true });
  }
}
