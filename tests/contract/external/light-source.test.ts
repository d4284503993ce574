import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lightSource } from "../../../lib/external/light-source.ts";

const pages: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "/a/file": (response) => void response.end("content"),
  "/a/moved": (response) => void response.writeHead(302, { location: "file" }).end(),
  "/a/circle": (response) => void response.writeHead(302, { location: "circle" }).end(),
  "/a/elsewhere": (response) => void response.writeHead(302, { location: "ftp://x/file" }).end(),
  "/a/denied": (response) => void response.writeHead(403).end(),
  "/a/broken": (response) => void response.writeHead(500).end("no"),
  "/a/cut": (response) =>
    void response.writeHead(200, { "content-length": 99 }).write("x", () => response.destroy()),
  "/a/silent": () => undefined,
  "/a/endless": (response) => {
    const more = setInterval(() => response.write(Buffer.alloc(10_000)), 1);
    response.on("close", () => clearInterval(more));
  },
};
const server = createServer(({ url = "" }, response) => {
  const page = pages[url];
  if (page === undefined) response.writeHead(404).end();
  else page(response);
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const read = (path: string) => {
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
  return lightSource(base, { timeoutMs: 400 }).read(path, 50_000);
};

describe("small files of a server, without fetch", () => {
  it.each(["file", "moved"])("%s is read", async (path) => {
    expect(Buffer.from((await read(path)) ?? "").toString()).toBe("content");
  });

  it.each(["missing", "denied"])("%s is not there", async (path) => expect(await read(path)).toBeUndefined());

  it.each([
    ["circle", "UNREACHABLE", "redirects in a circle"],
    ["elsewhere", "UNREACHABLE", "not https"],
    ["broken", "STATUS", "answered with 500"],
    ["cut", "UNREACHABLE", "could not be fetched"],
    ["silent", "UNREACHABLE", "no answer within 0.4 s"],
    ["endless", "TOO_LARGE", "larger than 50000 bytes"],
  ])("%s is an error by name", async (path, code, said) => {
    await expect(read(path)).rejects.toMatchObject({ code, message: expect.stringContaining(said) });
  });
});
