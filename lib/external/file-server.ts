import { createServer } from "node:http";
import send from "send";
import { Failure } from "../failure.ts";
import { type Listening, listenOn } from "./listening.ts";

export type FileServerCode = "LISTEN";

class FileServerError extends Failure<FileServerCode> {
  readonly area = "server";
}

export interface ServedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly from: string;
  /** Bytes of the answer's body that were to be sent. */
  readonly bytes: number;
}

/** A client that sends nothing for so long is cut off, in milliseconds. */
const IDLE_MS = 60_000;

/**
 * Serves the files below `root` over HTTP, with ranges and without listings; files whose names begin with a dot
 * do not exist for it. Throws FileServerError LISTEN where the port cannot be had.
 */
export async function serveFiles(
  options: { readonly root: string; readonly host: string; readonly port: number },
  onRequest: (request: ServedRequest) => void,
): Promise<Listening> {
  const server = createServer((request, response) => {
    const { method = "", url = "/" } = request;
    const path = url.split("?")[0] ?? "/";
    response.on("close", () => {
      const bytes = Number(response.getHeader("content-length") ?? 0);
      const from = request.socket.remoteAddress ?? "";
      onRequest({ method, path, status: response.statusCode, from, bytes });
    });
    if (method !== "GET" && method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
      return;
    }
    send(request, path, { root: options.root, index: false, dotfiles: "ignore", cacheControl: false })
      .on("directory", () => response.writeHead(404).end())
      .on("error", (error: { status?: number }) => response.writeHead(error.status ?? 500).end())
      .pipe(response);
  });
  server.setTimeout(IDLE_MS);
  return listenOn(server, options.port, options.host).catch((cause: unknown) => {
    throw new FileServerError("LISTEN", `cannot listen on ${options.host}:${options.port}`, {
      fix: "is another server there? choose another port with --port",
      cause,
    });
  });
}
