import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Publisher {
  /** Address of a file, on this machine's loopback. */
  url(path: string): string;
  /** Paths asked for, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export type Answer = Uint8Array | { readonly status: number } | { readonly redirect: string } | "silence";

/** A real HTTP server that gives out the files named. */
export async function publish(files: Readonly<Record<string, Answer>>): Promise<Publisher> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = request.url ?? "/";
    asked.push(path);
    const answer = files[path] ?? { status: 404 };
    if (answer === "silence") return;
    if (answer instanceof Uint8Array) response.end(answer);
    else if ("redirect" in answer) response.writeHead(302, { location: answer.redirect }).end();
    else response.writeHead(answer.status).end("no");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
