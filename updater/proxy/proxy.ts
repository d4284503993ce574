import { randomBytes } from "node:crypto";
import type { Clock } from "../../lib/external/clock.ts";
import {
  type LoopbackAnswer,
  type LoopbackRequest,
  serveLoopback,
} from "../../lib/external/loopback-server.ts";
import { describeFailure } from "../../lib/failure.ts";
import { proxy as limits } from "../limits.ts";
import { Blocks } from "./blocks.ts";
import { type ProxyLimits, type RemoteFile, type Transfer, Upstream } from "./upstream.ts";

export interface RangeProxy {
  /** What RAUC is told to install. Only who knows the path gets an answer. */
  readonly url: string;
  readonly transfer: Transfer & {
    /** Bytes handed to the reader. */
    readonly served: number;
    readonly cachedBytes: number;
  };
  /** Why no further read is answered; undefined: all is well. */
  readonly failure: string | undefined;
  close(): Promise<void>;
}

export interface Range {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

/** One range of a file of `bytes`; `none`: it lies outside; undefined: the header is none we know. */
export function parseRange(header: string, bytes: number): Range | "none" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header);
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  const [first, second] = [match[1] ?? "", match[2] ?? ""];
  if (first === "")
    return Number(second) === 0 ? "none" : { from: Math.max(0, bytes - Number(second)), to: bytes - 1 };
  const range = { from: Number(first), to: second === "" ? bytes - 1 : Math.min(Number(second), bytes - 1) };
  if (second !== "" && Number(second) < range.from) return undefined;
  return range.from >= bytes ? "none" : range;
}

/**
 * Serves one remote file on the loopback for RAUC's streaming (rauc 1.13, src/nbd.c). RAUC asks once for bytes 0-3
 * and takes the size from Content-Range, wants a 206 of exactly the range for each read, and ends at once, without
 * the retries it has for other errors, when it is told 404; a body that is cut short makes it abort. So a range is
 * held whole before it is answered, and once it cannot be had everything is answered with 404.
 */
export async function startProxy(
  file: RemoteFile,
  clock: Clock,
  options: ProxyLimits = limits,
): Promise<RangeProxy> {
  const upstream = new Upstream(file, clock, options);
  const ended = new AbortController();
  const source = {
    bytes: file.bytes,
    read: (from: number, length: number) => upstream.read(from, length, ended.signal),
  };
  const blocks = new Blocks(source, options);
  const path = `/${randomBytes(16).toString("hex")}/bundle.raucb`;
  let served = 0;
  let failure: string | undefined;

  async function answer(request: LoopbackRequest): Promise<LoopbackAnswer> {
    if (request.path !== path) return { status: 404 };
    const whole = { "accept-ranges": "bytes", "content-type": "application/octet-stream" };
    if (request.method === "HEAD")
      return { status: 200, headers: { ...whole, "content-length": file.bytes } };
    if (request.method !== "GET") return { status: 405, headers: { allow: "GET, HEAD" } };
    if (failure !== undefined) return { status: 404 };
    const range = parseRange(request.range ?? "", file.bytes);
    if (range === undefined) return { status: 400, body: "only one range of bytes at a time\n" };
    const length = range === "none" ? 0 : range.to - range.from + 1;
    if (range === "none" || length > options.maxRangeBytes) {
      return { status: 416, headers: { "content-range": `bytes */${file.bytes}` } };
    }
    try {
      const body = await blocks.read(range.from, length);
      served += body.length;
      return {
        status: 206,
        headers: { ...whole, "content-range": `bytes ${range.from}-${range.to}/${file.bytes}` },
        body,
      };
    } catch (error) {
      failure ??= describeFailure(error)[0] ?? "unknown";
      return { status: 404 };
    }
  }

  const server = await serveLoopback(answer);
  return {
    url: `http://127.0.0.1:${server.port}${path}`,
    get transfer() {
      return { ...upstream.transfer, served, cachedBytes: blocks.cachedBytes };
    },
    get failure() {
      return failure;
    },
    close: async () => {
      ended.abort();
      await server.close();
      upstream.close();
    },
  };
}
