import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { HttpError, shownUrl } from "./http.ts";
import { whyNoAnswer } from "./no-answer.ts";

export interface RangeLimits {
  /** Without a byte, in milliseconds. */
  readonly stallMs: number;
  /** For one range, in milliseconds. */
  readonly totalMs: number;
}

export interface RangeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Of a 206, as far as it came; empty for every other status. Never longer than what was asked for. */
  readonly body: Buffer;
  /** Why the body ended early; undefined: it did not. */
  readonly broken: string | undefined;
}

/**
 * Asks servers for ranges of files, over connections that are kept. Redirects are the caller's. Plain http is let
 * pass: what comes over it is checked by whoever asked.
 */
export class RangeClient {
  readonly #limits: RangeLimits;
  readonly #plain = new PlainAgent({ keepAlive: true, proxyEnv: process.env });
  readonly #secure = new SecureAgent({ keepAlive: true, proxyEnv: process.env });

  constructor(limits: RangeLimits) {
    this.#limits = limits;
  }

  /** Bytes `from` to `to`, both included. Throws HttpError where there is no answer. */
  get(url: string, from: number, to: number, signal?: AbortSignal): Promise<RangeAnswer> {
    const length = to - from + 1;
    const where = shownUrl(url);
    const { stallMs, totalMs } = this.#limits;
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      let answer: IncomingMessage | undefined;
      const secure = new URL(url).protocol === "https:";
      const asked = (secure ? secureRequest : plainRequest)(url, {
        agent: secure ? this.#secure : this.#plain,
        headers: { range: `bytes=${from}-${to}`, "accept-encoding": "identity" },
      });
      const end = (broken: string | undefined, error: HttpError): void => {
        clearTimeout(stalled);
        clearTimeout(late);
        signal?.removeEventListener("abort", interrupt);
        // What is whole goes back to be used again; anything else is not waited for.
        if (broken !== undefined) asked.destroy();
        if (answer === undefined) reject(error);
        else {
          const { statusCode: status = 0, headers } = answer;
          resolve({ status, headers, body: Buffer.concat(parts), broken });
        }
      };
      const stop = (code: "STALLED" | "TIMEOUT" | "INTERRUPTED" | "RESET", why: string) => (): void =>
        end(why, new HttpError(code, `${where} ${why}`));
      const stalled = setTimeout(stop("STALLED", `sent nothing for ${stallMs / 1000} s`), stallMs);
      const late = setTimeout(stop("TIMEOUT", `took longer than ${totalMs / 1000} s`), totalMs);
      const interrupt = stop("INTERRUPTED", "was interrupted");
      signal?.addEventListener("abort", interrupt, { once: true });
      asked.on("error", (cause: Error) => {
        const why = whyNoAnswer(cause);
        end(why, new HttpError("UNREACHABLE", `${where} could not be reached: ${why}`));
      });
      asked.on("response", (response) => {
        answer = response;
        stalled.refresh();
        if (response.statusCode !== 206) {
          asked.destroy();
          return end(undefined, new HttpError("RESET", where));
        }
        response.on("data", (chunk: Buffer) => {
          stalled.refresh();
          const left = chunk.subarray(0, length - bytes);
          parts.push(left);
          bytes += left.length;
          if (left.length < chunk.length) stop("RESET", "sent more than was asked for")();
        });
        response.on("end", () => end(undefined, new HttpError("RESET", where)));
        response.on("aborted", stop("RESET", "broke off"));
        response.on("error", stop("RESET", "broke off"));
      });
      if (signal?.aborted === true) interrupt();
      else asked.end();
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }
}
