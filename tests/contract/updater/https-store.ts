import { createServer as createPlain, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecure } from "node:https";
import { type Listening, listenOn } from "../../../lib/external/listening.ts";
import { parseRange } from "../../../updater/proxy/proxy.ts";
import type { ServerIdentity } from "./tls-certificates.ts";

export const MANIFEST = "a small signed file\n";

/**
 * A store as nodes see one, on localhost: a small file at /timestamp.json, a bundle in ranges at /bundle; any other path
 * with ?to=ADDRESS leads there.
 */
export class HttpsStore {
  /** Method and path of each request that came through TLS, or over http where there is none. */
  readonly asked: string[] = [];
  readonly #bundle: Buffer;
  readonly #server;
  readonly #scheme: string;
  #listening: Listening | undefined;

  constructor(bundle: Buffer, identity: ServerIdentity | undefined) {
    this.#bundle = bundle;
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      this.#answer(request, response);
    this.#scheme = identity === undefined ? "http" : "https";
    this.#server = identity === undefined ? createPlain(answer) : createSecure({ ...identity }, answer);
  }

  async start(): Promise<this> {
    this.#listening = await listenOn(this.#server, 0, "localhost");
    return this;
  }

  async stop(): Promise<void> {
    await this.#listening?.close();
  }

  get host(): string {
    return `localhost:${this.#listening?.port}`;
  }

  get address(): string {
    return `${this.#scheme}://${this.host}/`;
  }

  /** From the next connection on it shows another certificate. */
  show(identity: ServerIdentity): void {
    if (!("setSecureContext" in this.#server)) throw new Error("it has no certificate");
    this.#server.setSecureContext({ ...identity });
    this.#server.closeAllConnections();
  }

  #answer({ method, url = "/", headers }: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, this.address);
    this.asked.push(`${method} ${pathname}`);
    const to = searchParams.get("to");
    if (to !== null) return void response.writeHead(302, { location: to }).end();
    if (pathname === "/timestamp.json") return void response.end(MANIFEST);
    const total = this.#bundle.length;
    const range = pathname === "/bundle" ? parseRange(headers.range ?? "", total) : undefined;
    if (range === undefined || range === "none") return void response.writeHead(404).end();
    const { from, to: last } = range;
    response.writeHead(206, { "content-range": `bytes ${from}-${last}/${total}` });
    response.end(this.#bundle.subarray(from, last + 1));
  }
}
