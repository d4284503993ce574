import type { Clock } from "../../lib/external/clock.ts";
import { RangeClient } from "../../lib/external/range-client.ts";
import { UpdaterError } from "../failure.ts";
import { proxy as limits } from "../limits.ts";
import { Mirror, MirrorError } from "./mirror.ts";

export type ProxyLimits = { readonly [name in keyof typeof limits]: number };

export interface RemoteFile {
  /** Tried in order. */
  readonly urls: readonly string[];
  readonly bytes: number;
}

export interface Transfer {
  /** Bytes that came from servers. */
  readonly received: number;
  readonly requests: number;
  /** Requests that gave nothing, or less than was asked for. */
  readonly failed: number;
  readonly resolved: number;
  readonly lastProblem: string | undefined;
}

/**
 * How long to wait after the n-th round (from 0) in which no mirror answered, in milliseconds: doubled each time
 * up to a limit, and anything from half of it, so that nodes which failed together do not return together.
 */
export function pauseAfter(
  round: number,
  random: number,
  { firstPauseMs, longestPauseMs }: Pick<ProxyLimits, "firstPauseMs" | "longestPauseMs"> = limits,
): number {
  const most = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(round, 20));
  return most / 2 + (most / 2) * random;
}

/** Rounds in which every mirror was hopeless, after which the next ones are not waited for. */
const HOPELESS_ROUNDS = 2;

/** A file on servers, read in ranges, whatever those servers do. */
export class Upstream {
  readonly file: RemoteFile;
  readonly #limits: ProxyLimits;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #client: RangeClient;
  readonly #mirrors: readonly Mirror[];
  #preferred = 0;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #received = 0;
  #requests = 0;
  #failed = 0;
  #lastProblem: string | undefined;

  constructor(file: RemoteFile, clock: Clock, options: ProxyLimits = limits, random = Math.random) {
    this.file = file;
    this.#clock = clock;
    this.#limits = options;
    this.#random = random;
    this.#client = new RangeClient({ stallMs: options.stallMs, totalMs: options.rangeMs });
    this.#mirrors = file.urls.map((url) => new Mirror(url, file.bytes, this.#client, options.redirects));
  }

  get transfer(): Transfer {
    const resolved = this.#mirrors.reduce((sum, mirror) => sum + mirror.resolved, 0);
    const [received, requests, failed] = [this.#received, this.#requests, this.#failed];
    return { received, requests, failed, resolved, lastProblem: this.#lastProblem };
  }

  /** Exactly `length` bytes from `from`; what came of a range that broke off is kept. Throws STREAM in `readMs`. */
  async read(from: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    await this.#enter();
    // Not AbortSignal.timeout and any: those stay in memory until their time has come, one for each of thousands of reads.
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const late = setTimeout(end, this.#limits.readMs);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted === true) end();
    try {
      return await this.#readAll(from, length, ended.signal);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", end);
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    while (this.#running >= this.#limits.parallel) {
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    this.#running += 1;
  }

  async #readAll(from: number, length: number, signal: AbortSignal): Promise<Buffer> {
    const until = this.#clock.elapsed() + this.#limits.readMs;
    const parts: Buffer[] = [];
    let done = 0;
    let hopeless = 0;
    for (let round = 0; done < length; ) {
      const got = await this.#oneRound(from + done, from + length - 1, signal);
      if (Buffer.isBuffer(got)) {
        parts.push(got);
        done += got.length;
        round = 0;
        continue;
      }
      hopeless = got.every((error) => error.hopeless) ? hopeless + 1 : 0;
      const asked = Math.min(...got.map((error) => error.retryAfterMs));
      const pause = Math.max(asked, pauseAfter(round, this.#random(), this.#limits));
      if (hopeless >= HOPELESS_ROUNDS || this.#clock.elapsed() + pause >= until || signal.aborted)
        throw this.#failure();
      await this.#clock.sleep(pause, signal).catch(() => undefined);
      if (signal.aborted) throw this.#failure();
      round += 1;
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** The bytes of the first mirror that has any, or what each of them said. */
  async #oneRound(from: number, to: number, signal: AbortSignal): Promise<Buffer | readonly MirrorError[]> {
    const errors: MirrorError[] = [];
    for (let at = 0; at < this.#mirrors.length; at += 1) {
      const number = (this.#preferred + at) % this.#mirrors.length;
      this.#requests += 1;
      try {
        const body = (await this.#mirrors[number]?.get(from, to, signal)) ?? Buffer.alloc(0);
        this.#received += body.length;
        // A range that broke off: another mirror may do better with the rest.
        const whole = body.length === to - from + 1;
        this.#preferred = whole ? number : (number + 1) % this.#mirrors.length;
        if (!whole) this.#failed += 1;
        return body;
      } catch (error) {
        if (!(error instanceof MirrorError)) throw error;
        this.#failed += 1;
        // That time is up says less than what took it.
        if (!signal.aborted || this.#lastProblem === undefined) this.#lastProblem = error.message;
        errors.push(error);
      }
      if (signal.aborted) break;
    }
    return errors;
  }

  #failure(): UpdaterError {
    return new UpdaterError(
      "STREAM",
      `the bundle cannot be read: ${this.#lastProblem ?? "no server answered in time"}`,
      {
        fix: "the next run tries again; look at the network if it stays so",
      },
    );
  }

  close(): void {
    this.#client.close();
  }
}
