import { createServer } from "node:http";
import { type Listening, listenOn } from "./listening.ts";

export interface LoopbackRequest {
  readonly method: string;
  readonly path: string;
  /** The Range header. */
  readonly range: string | undefined;
  /** Aborted when the asking side is gone. */
  readonly signal: AbortSignal;
}

export interface LoopbackAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | string;
}

/** More at one time are not let in: each may hold a range in memory. */
const MAX_CONNECTIONS = 16;

/** Answers on a free port of this machine's loopback, and nowhere else. */
export async function serveLoopback(
  answer: (request: LoopbackRequest) => Promise<LoopbackAnswer>,
): Promise<Listening> {
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const { method = "", url = "/", headers } = request;
    answer({ method, path: url, range: headers.range, signal: gone.signal })
      .catch((): LoopbackAnswer => ({ status: 500 }))
      .then(({ status, headers = {}, body = "" }) => {
        if (response.destroyed) return;
        response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
        response.end(method === "HEAD" ? undefined : body);
      });
  });
  server.maxConnections = MAX_CONNECTIONS;
  return listenOn(server, 0, "127.0.0.1");
}
