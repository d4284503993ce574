import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { parseRange } from "../../../updater/proxy/proxy.ts";

export type Fault =
  | "none"
  | "truncated"
  | "no ranges"
  | "wrong length"
  | "slow loris"
  | "silent"
  | "captive portal"
  | "gzip"
  | "redirect loop"
  | "429"
  | "504"
  | "other range"
  | "endless";

/** A server of one file, with what servers do wrong. */
export class FaultServer {
  readonly content: Buffer;
  fault: Fault = "none";
  /** Requests that the fault holds for; then all is well. */
  faults = Number.POSITIVE_INFINITY;
  /** How long a signed address lives, in milliseconds; undefined: the file is served without a redirect. */
  signedForMs: number | undefined;
  retryAfter = "1";
  /** Status and range of each request for the file. */
  readonly asked: string[] = [];
  redirected = 0;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  constructor(content: Buffer) {
    this.content = content;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/bundle`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/bundle" && this.signedForMs !== undefined) {
      this.redirected += 1;
      response.writeHead(302, { location: `/signed?until=${Date.now() + this.signedForMs}` }).end();
      return;
    }
    const until = url.searchParams.get("until");
    if (until !== null && Number(until) < Date.now()) return void response.writeHead(403).end("too late");
    const range = parseRange(request.headers.range ?? "", this.content.length);
    if (range === undefined || range === "none") return void response.writeHead(416).end();
    this.asked.push(`${range.from}-${range.to}`);
    const faulty = this.faults > 0;
    this.faults -= 1;
    this.#serve(faulty ? this.fault : "none", range.from, range.to, response);
  }

  #serve(fault: Fault, from: number, to: number, response: ServerResponse): void {
    const body = this.content.subarray(from, to + 1);
    const total = this.content.length;
    const head = (length = body.length, size = total): void =>
      void response.writeHead(206, {
        "content-length": length,
        "content-range": `bytes ${from}-${to}/${size}`,
      });
    const plain: Partial<Record<Fault, () => void>> = {
      silent: () => undefined,
      "no ranges": () => response.writeHead(200).end(this.content),
      "captive portal": () =>
        response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in</html>"),
      "redirect loop": () => response.writeHead(302, { location: "/signed" }).end(),
      "429": () => response.writeHead(429, { "retry-after": this.retryAfter }).end(),
      "504": () => response.writeHead(504).end("<html>"),
      "other range": () =>
        response.writeHead(206, { "content-range": `bytes 0-${body.length - 1}/${total}` }).end(body),
      gzip: () =>
        response
          .writeHead(206, { "content-range": `bytes ${from}-${to}/${total}`, "content-encoding": "gzip" })
          .end(gzipSync(body)),
    };
    const simple = plain[fault];
    if (simple !== undefined) {
      simple();
      return;
    }
    head(
      fault === "endless" ? body.length + 1_000_000 : body.length,
      fault === "wrong length" ? total + 1 : total,
    );
    if (fault === "truncated") {
      response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
    } else if (fault === "slow loris") {
      let at = 0;
      const drip = setInterval(() => response.write(body.subarray(at, ++at)), 20);
      response.on("close", () => clearInterval(drip));
    } else if (fault === "endless") {
      response.write(body);
      const more = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
      response.on("close", () => clearInterval(more));
    } else response.end(body);
  }
}
