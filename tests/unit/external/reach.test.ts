import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { askHead } from "../../../lib/external/reach.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  vi.unstubAllEnvs();
});

/** A server on this machine; resolves to its address. */
async function serve(answer: (method: string, url: string) => number | undefined): Promise<string> {
  const made = createServer((request, response) => {
    const status = answer(request.method ?? "", request.url ?? "");
    if (status !== undefined) response.writeHead(status).end();
  });
  server = made;
  await new Promise<void>((resolve) => void made.listen(0, "127.0.0.1", resolve));
  const address = made.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

describe("asking a server", () => {
  it("tells its status", async () => {
    const url = await serve((method, path) => (method === "HEAD" && path === "/Release" ? 204 : 500));
    expect(await askHead(`${url}/Release`, 5_000)).toMatchObject({ kind: "status", status: 204 });
  });

  it("goes through the proxy, as apt does", async () => {
    const proxy = await serve((_method, path) => (path === "http://archive.invalid/Release" ? 203 : 500));
    vi.stubEnv("http_proxy", proxy);
    expect(await askHead("http://archive.invalid/Release", 5_000)).toMatchObject({ status: 203 });
  });

  it("ends when nobody answers in time", async () => {
    const url = await serve(() => undefined);
    expect(await askHead(url, 200)).toEqual({ kind: "silent", why: "no answer in 0.2 s" });
  });

  it("names what kept it from asking", async () => {
    expect(await askHead("http://127.0.0.1:9/", 5_000)).toEqual({ kind: "silent", why: "ECONNREFUSED" });
  });
});
