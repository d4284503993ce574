import { request as ask, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** What becomes of one answer of the archive. */
export type Treatment =
  | { readonly kind: "pass" }
  /** Answered by the proxy itself. */
  | { readonly kind: "status"; readonly status: number }
  /** Only the first bytes; then the connection ends, or says nothing more. */
  | { readonly kind: "cut" | "stall"; readonly afterBytes: number }
  /** One byte is another. */
  | { readonly kind: "flip" }
  /** Whole as HTTP sees it, but only the first bytes of it. */
  | { readonly kind: "short"; readonly bytes: number }
  /** Another address answers. */
  | { readonly kind: "instead"; readonly url: string };

export const pass: Treatment = { kind: "pass" };

export interface ForwardProxy {
  /** For http_proxy. */
  readonly url: string;
  /** Addresses asked for, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** An HTTP proxy on this machine's loopback that treats each address as `treat` says. */
export async function forwardProxy(treat: (url: string) => Treatment): Promise<ForwardProxy> {
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = incoming.url ?? "";
    asked.push(url);
    const treatment = treat(url);
    if (treatment.kind === "status") {
      outgoing.writeHead(treatment.status, { "content-length": "0" }).end();
      return;
    }
    relay(treatment.kind === "instead" ? treatment.url : url, incoming, outgoing, treatment);
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

/** Bytes of an answer's body that are passed on. */
function limitOf(treatment: Treatment): number {
  if (treatment.kind === "cut" || treatment.kind === "stall") return treatment.afterBytes;
  return treatment.kind === "short" ? treatment.bytes : Number.POSITIVE_INFINITY;
}

function relay(url: string, incoming: IncomingMessage, outgoing: ServerResponse, treatment: Treatment): void {
  const { "proxy-connection": _, ...headers } = incoming.headers;
  const upstream = ask(url, { method: incoming.method, headers: { ...headers, connection: "close" } });
  upstream.on("error", () => outgoing.destroy());
  upstream.on("response", (answer) => {
    const { connection: _hop, ...kept } = answer.headers;
    if (treatment.kind === "short") kept["content-length"] = String(treatment.bytes);
    outgoing.writeHead(answer.statusCode ?? 502, kept);
    let bytes = 0;
    let over = false;
    answer.on("data", (chunk: Buffer) => {
      if (over) return;
      if (treatment.kind === "flip" && bytes === 0 && chunk.length > 0) {
        const at = Math.floor(chunk.length / 2);
        chunk[at] = (chunk[at] ?? 0) ^ 0xff;
      }
      const rest = limitOf(treatment) - bytes;
      if (chunk.length > rest) {
        over = true;
        outgoing.write(chunk.subarray(0, rest), () => {
          if (treatment.kind === "cut") outgoing.destroy();
          if (treatment.kind === "short") outgoing.end();
        });
        return;
      }
      bytes += chunk.length;
      outgoing.write(chunk);
    });
    answer.on("end", () => over || outgoing.end());
    answer.on("error", () => outgoing.destroy());
  });
  upstream.end();
}
