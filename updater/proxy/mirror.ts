import { HttpError, shownUrl } from "../../lib/external/http.ts";
import type { RangeAnswer, RangeClient } from "../../lib/external/range-client.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What a signed address says once its time is over. */
const EXPIRED = new Set([401, 403, 404, 410]);
const LONGEST_RETRY_AFTER_S = 3600;

/** Why a mirror gave no bytes. */
export class MirrorError extends Error {
  /** Whether asking again soon is of no use: it is not the file, or not to be had that way. */
  readonly hopeless: boolean;
  /** How long the server wants to be left alone, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(
    message: string,
    options: { readonly hopeless?: boolean; readonly retryAfterMs?: number } = {},
  ) {
    super(message);
    this.hopeless = options.hopeless ?? false;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

function retryAfter(headers: RangeAnswer["headers"]): number {
  const seconds = Number(headers["retry-after"] ?? 0);
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), LONGEST_RETRY_AFTER_S) * 1000 : 0;
}

/**
 * One address of a file. A release's address leads by redirects to a signed one that lives for minutes, so the
 * place it led to is remembered, and asked for anew as soon as it refuses.
 */
export class Mirror {
  readonly url: string;
  readonly #client: Pick<RangeClient, "get">;
  readonly #bytes: number;
  readonly #maxRedirects: number;
  #place: string | undefined;
  /** How often the redirects were followed anew. */
  resolved = 0;

  constructor(url: string, bytes: number, client: Pick<RangeClient, "get">, maxRedirects: number) {
    this.url = url;
    this.#bytes = bytes;
    this.#client = client;
    this.#maxRedirects = maxRedirects;
  }

  /** Bytes `from` to `to` (included), or fewer where they broke off, never none. Throws MirrorError. */
  async get(from: number, to: number, signal: AbortSignal): Promise<Buffer> {
    try {
      const known = this.#place;
      if (known !== undefined) {
        const answer = await this.#client.get(known, from, to, signal);
        if (!EXPIRED.has(answer.status) && !REDIRECTS.has(answer.status))
          return this.#take(answer, known, from);
        this.#place = undefined;
      }
      return await this.#resolve(from, to, signal);
    } catch (error) {
      if (error instanceof HttpError) throw new MirrorError(error.message);
      throw error;
    }
  }

  async #resolve(from: number, to: number, signal: AbortSignal): Promise<Buffer> {
    let url = this.url;
    for (let hops = 0; hops <= this.#maxRedirects; hops += 1) {
      const answer = await this.#client.get(url, from, to, signal);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined) {
        const body = this.#take(answer, url, from);
        this.#place = url;
        this.resolved += 1;
        return body;
      }
      url = this.#follow(url, location);
    }
    throw new MirrorError(`${shownUrl(this.url)} redirects in a circle`, { hopeless: true });
  }

  /** From https nothing leads to http; from a LAN's http anything may lead to https. */
  #follow(url: string, location: string): string {
    const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
    const { protocol } = new URL(url);
    if (next?.protocol === "https:" || (next?.protocol === "http:" && protocol === "http:")) return next.href;
    throw new MirrorError(`${shownUrl(url)} redirects to what is not https`, { hopeless: true });
  }

  #take(answer: RangeAnswer, url: string, from: number): Buffer {
    const { status, headers, body, broken } = answer;
    const where = shownUrl(url);
    const unlike = (why: string): MirrorError => new MirrorError(`${where} ${why}`, { hopeless: true });
    if (status === 200) throw unlike("answered with a page or a whole file, not with the range asked for");
    if (status !== 206) {
      throw new MirrorError(`${where} answered with ${status}`, { retryAfterMs: retryAfter(headers) });
    }
    const encoding = headers["content-encoding"] ?? "identity";
    if (encoding !== "identity") throw unlike(`answered in ${encoding}`);
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers["content-range"] ?? "");
    if (range === null || Number(range[1]) !== from) throw unlike("answered with another range");
    if (Number(range[2]) !== this.#bytes) {
      throw unlike(`has a file of ${range[2]} bytes, expected ${this.#bytes}`);
    }
    if (body.length === 0) throw new MirrorError(`${where} ${broken ?? "answered with nothing"}`);
    return body;
  }
}
