import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { sha256OfText } from "../../../lib/external/files.ts";
import { type HttpRequest, send } from "../../../lib/external/http.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";

const scratch = scratchFolder();
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/path`;
}

const limits = { stallMs: 2_000, totalMs: 10_000, maxAnswerBytes: 1000 };
const get = (url: string, more: Partial<HttpRequest> = {}) => send({ method: "GET", url, limits, ...more });

async function failure(work: Promise<unknown>): Promise<{ code?: string; message?: string }> {
  return work.then(
    () => ({}),
    (error: { code?: string; message?: string }) => error,
  );
}

async function whole(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function fileOf(content: string) {
  const path = scratch.join("file");
  writeFileSync(path, content);
  return { path, bytes: content.length, sha256: sha256OfText(content) };
}

describe("a request", () => {
  it("sends a file with its length, byte for byte, tells how far it is, and hears the answer", async () => {
    const url = await serve(async (request, response) => {
      const { "content-length": length, "transfer-encoding": encoding } = request.headers;
      const sha256 = sha256OfText(await whole(request));
      response.writeHead(201).end(JSON.stringify([request.method, length, encoding ?? null, sha256]));
    });
    const sent: number[] = [];
    // Unlike everywhere, and much more than is in memory at once.
    const body = fileOf(Array.from({ length: 1_000_000 }, (_, at) => String(at)).join(" "));
    const answer = await send({ method: "POST", url, limits, body, onSent: (bytes) => sent.push(bytes) });
    const told = JSON.parse(answer.body.toString());
    expect([answer.status, told]).toEqual([201, ["POST", String(body.bytes), null, body.sha256]]);
    expect(sent.at(-1)).toBe(body.bytes);
    expect(sent.length).toBeGreaterThan(5);
    expect([...sent].sort((a, b) => a - b)).toEqual(sent);
  });

  it.each([
    ["longer", "x".repeat(600_000)],
    ["shorter", "x".repeat(400_000)],
    ["another", `${"x".repeat(499_999)}y`],
  ])("does not finish sending a file that became %s", async (_, now) => {
    let arrived = 0;
    const url = await serve((request, response) => {
      request.on("data", (chunk: Buffer) => {
        arrived += chunk.length;
      });
      request.on("end", () => response.end("whole"));
      request.on("error", () => undefined);
    });
    const body = fileOf("x".repeat(500_000));
    writeFileSync(body.path, now);
    expect((await failure(send({ method: "POST", url, limits, body }))).code).toBe("CHANGED");
    await sleep(20);
    expect(arrived).toBeLessThan(500_000);
  });

  it("hears a refusal that comes before the file is sent", async () => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(403, { "retry-after": "7" }).end("no");
    });
    const body = fileOf("x".repeat(8_000_000));
    const answer = await send({ method: "POST", url, limits, body });
    expect([answer.status, answer.headers["retry-after"], answer.body.toString()]).toEqual([403, "7", "no"]);
  });

  it.each<[string, RequestListener, string]>([
    ["no answer", () => undefined, "STALLED"],
    ["an answer that stops", (_, response) => void response.writeHead(200).write("a"), "STALLED"],
    ["a server that reads no more", (request) => void request.pause(), "STALLED"],
    ["a reset", (request) => void request.socket.resetAndDestroy(), "RESET"],
    [
      "half an answer",
      (request, response) => {
        response.writeHead(200, { "content-length": "9" }).write("half");
        setTimeout(() => request.socket.destroy(), 20);
      },
      "RESET",
    ],
    ["too much", (_, response) => void response.end("x".repeat(1001)), "TOO_LARGE"],
    [
      "drops for ever",
      (_, response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write("."), 20);
        response.on("close", () => clearInterval(drip));
      },
      "TIMEOUT",
    ],
  ])("ends at %s", async (_, answer, code) => {
    const url = await serve(answer);
    const short = { ...limits, stallMs: 150, totalMs: 500 };
    const body = fileOf("x".repeat(30_000_000));
    const upload = { method: "POST", url, limits: short, body } as const;
    expect((await failure(code === "TIMEOUT" ? get(url, { limits: short }) : send(upload))).code).toBe(code);
  });

  it("ends when it is interrupted, before and in the middle", async () => {
    const url = await serve(() => undefined);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect((await failure(get(url, { signal: stop.signal }))).code).toBe("INTERRUPTED");
    expect((await failure(get(url, { signal: stop.signal }))).code).toBe("INTERRUPTED");
  });

  it("names a server that is not there", async () => {
    const error = await failure(get("http://127.0.0.1:1/a?key=secret"));
    expect(error.code).toBe("UNREACHABLE");
    expect(error.message).toContain("http://127.0.0.1:1/a");
    expect(error.message).not.toContain("secret");
  });

  it("says what each address of a server did that is not there", async () => {
    const error = await failure(get("http://localhost:1/a"));
    expect(error.code).toBe("UNREACHABLE");
    expect(error.message).toMatch(/could not be reached: .*ECONNREFUSED/);
  });

  it("goes nowhere without https but to this machine", async () => {
    expect((await failure(get("http://example.org/"))).code).toBe("INSECURE");
    const url = await serve((_, response) =>
      response.writeHead(302, { location: "http://example.org/" }).end(),
    );
    expect((await failure(get(url, { redirects: 3 }))).code).toBe("INSECURE");
  });

  it("follows to another host without its credentials, and to the same one with them", async () => {
    const seen: (string | undefined)[] = [];
    const there = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end("there");
    });
    const here = await serve((request, response) => {
      seen.push(request.headers.authorization);
      const location = request.url === "/path" ? "/again" : there;
      response.writeHead(302, { location }).end();
    });
    const pieces: string[] = [];
    const answer = await get(here, {
      headers: { Authorization: "Bearer secret" },
      redirects: 2,
      onData: (chunk) => void pieces.push(chunk.toString()),
    });
    expect([answer.url, answer.body.length, pieces.join("")]).toEqual([there, 0, "there"]);
    expect(seen).toEqual(["Bearer secret", "Bearer secret", undefined]);
    expect((await failure(get(here, { redirects: 1 }))).code).toBe("REDIRECT");
  });

  it("goes through the environment's proxy, but not to this machine", async () => {
    const url = await serve((_, response) => response.end("from here"));
    const asked: string[] = [];
    const proxy = await serve((request) => void asked.push(`plain ${request.url}`));
    servers.at(-1)?.on("connect", (request: IncomingMessage, socket: Duplex) => {
      asked.push(`${request.method} ${request.url}`);
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    const names = ["https_proxy", "http_proxy", "no_proxy", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];
    const before = names.map((name) => [name, process.env[name]] as const);
    try {
      for (const name of names) delete process.env[name];
      Object.assign(process.env, { https_proxy: proxy, http_proxy: proxy });
      expect((await failure(get("https://example.org/file"))).code).toBe("UNREACHABLE");
      expect(asked).toEqual(["CONNECT example.org:443"]);
      expect((await get(url)).body.toString()).toBe("from here");
    } finally {
      for (const [name, old] of before) {
        if (old === undefined) delete process.env[name];
        else process.env[name] = old;
      }
    }
  });

  it("leaves no connection behind", async () => {
    const url = await serve((_, response) => response.end("fine"));
    await get(url);
    await sleep(20);
    const [server] = servers;
    const open = await new Promise((resolve) => server?.getConnections((_, count) => resolve(count)));
    expect(open).toBe(0);
  });
});
