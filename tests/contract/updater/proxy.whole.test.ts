import { createHash } from "node:crypto";
import { get } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clock } from "../../../lib/external/clock.ts";
import { proxy as limits } from "../../../updater/limits.ts";
import { Mirror } from "../../../updater/proxy/mirror.ts";
import { type RangeProxy, startProxy } from "../../../updater/proxy/proxy.ts";
import type { ProxyLimits } from "../../../updater/proxy/upstream.ts";
import { type Fault, FaultServer } from "./fault-server.ts";

const SIZE = 3 * 1024 * 1024 + 777;
/** Bytes that a shift or a repetition would show in. */
const content = Buffer.concat(
  Array.from({ length: Math.ceil(SIZE / 32) }, (_, at) => createHash("sha256").update(String(at)).digest()),
).subarray(0, SIZE);
const quick: ProxyLimits = {
  ...limits,
  ...{ stallMs: 200, rangeMs: 300, readMs: 700, firstPauseMs: 20, longestPauseMs: 100 },
};

let server: FaultServer;
let second: FaultServer;
let open: RangeProxy[] = [];
beforeEach(async () => {
  server = await new FaultServer(content).start();
  second = await new FaultServer(content).start();
});
afterEach(async () => {
  for (const proxy of open) await proxy.close();
  open = [];
  server.stop();
  second.stop();
});

async function proxyOf(urls = [server.url], options = quick): Promise<RangeProxy> {
  const proxy = await startProxy({ urls, bytes: SIZE }, clock, options);
  open.push(proxy);
  return proxy;
}

interface Answer {
  readonly status: number;
  readonly range: string | undefined;
  readonly body: Buffer;
}
const ask = (url: string, range?: string, method = "GET"): Promise<Answer> =>
  new Promise((resolve, reject) => {
    get(url, { method, headers: range === undefined ? {} : { range } }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (chunk: Buffer) => parts.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, range: headers["content-range"], body: Buffer.concat(parts) });
      });
    }).on("error", reject);
  });
const bytes = (from: number, to: number) => content.subarray(from, to + 1);

describe("what RAUC is answered", () => {
  it("begins as RAUC begins: four bytes, and the size behind the slash", async () => {
    const { url } = await proxyOf();
    expect(await ask(url, "bytes=0-3")).toEqual({
      status: 206,
      range: `bytes 0-3/${SIZE}`,
      body: bytes(0, 3),
    });
  });

  it.each([
    ["bytes=1000-200000", 1000, 200_000],
    [`bytes=${SIZE - 10}-${SIZE + 99}`, SIZE - 10, SIZE - 1],
    ["bytes=-5", SIZE - 5, SIZE - 1],
    [`bytes=${SIZE - 3}-`, SIZE - 3, SIZE - 1],
    ["bytes=1048575-1048576", 1_048_575, 1_048_576],
  ])("%s", async (range, from, to) => {
    const { url } = await proxyOf();
    const answer = await ask(url, range);
    expect(answer).toMatchObject({ status: 206, range: `bytes ${from}-${to}/${SIZE}` });
    expect(answer.body.equals(bytes(from, to))).toBe(true);
  });

  it.each([
    [`bytes=${SIZE}-`, 416],
    ["bytes=-0", 416],
    ["bytes=5-4", 400],
    ["bytes=0-1,3-4", 400],
    ["lines=1-2", 400],
    [undefined, 400],
  ])("%s is no range of it", async (range, status) => {
    const { url } = await proxyOf();
    expect((await ask(url, range)).status).toBe(status);
  });

  it("knows HEAD, no other method and no other path", async () => {
    const { url } = await proxyOf();
    expect((await ask(url, undefined, "HEAD")).status).toBe(200);
    expect((await ask(url, "bytes=0-3", "DELETE")).status).toBe(405);
    expect((await ask(url.replace(/\/[0-9a-f]{32}\//, `/${"0".repeat(32)}/`), "bytes=0-3")).status).toBe(404);
    expect(server.asked).toEqual([]);
  });
});

describe("a bundle read through the proxy", () => {
  const readAll = async (url: string, step = 131_072): Promise<Buffer> => {
    const parts: Buffer[] = [];
    for (let from = 0; from < SIZE; from += step) {
      const answer = await ask(url, `bytes=${from}-${Math.min(from + step, SIZE) - 1}`);
      expect(answer.status).toBe(206);
      parts.push(answer.body);
    }
    return Buffer.concat(parts);
  };

  it("straight on, comes in few requests and once", async () => {
    const proxy = await proxyOf();
    expect((await readAll(proxy.url)).equals(content)).toBe(true);
    expect(proxy.transfer).toMatchObject({ received: SIZE, served: SIZE, failed: 0 });
    expect(proxy.transfer.requests).toBeLessThan(10);
  });

  it("here and there, brings little that was not asked for", async () => {
    const proxy = await proxyOf();
    for (let at = 0; at < 40; at += 1) {
      const from = (at * 1_234_567) % (SIZE - 65_536);
      const answer = await ask(proxy.url, `bytes=${from}-${from + 65_535}`);
      expect(answer.body.equals(bytes(from, from + 65_535))).toBe(true);
    }
    expect(proxy.transfer.received).toBeLessThan(1.35 * proxy.transfer.served);
  });

  it("by many at once, asks for each block once and for few at a time", async () => {
    const proxy = await proxyOf();
    const ranges = Array.from({ length: 14 }, (_, at) => at * 200_000);
    const answers = await Promise.all(
      ranges.map((from) => ask(proxy.url, `bytes=${from}-${from + 250_000}`)),
    );
    answers.forEach((answer, at) => {
      const from = ranges[at] ?? 0;
      expect(answer.body.equals(bytes(from, from + 250_000))).toBe(true);
    });
    expect(proxy.transfer.received).toBeLessThanOrEqual(SIZE);
  });

  it("survives addresses that live shorter than it takes", async () => {
    server.signedForMs = 60;
    const proxy = await proxyOf();
    for (let from = 0; from < SIZE; from += 400_000) {
      const to = Math.min(from + 399_999, SIZE - 1);
      expect((await ask(proxy.url, `bytes=${from}-${to}`)).body.equals(bytes(from, to))).toBe(true);
      await clock.sleep(40);
    }
    expect(server.redirected).toBeGreaterThan(2);
    expect(proxy.transfer).toMatchObject({ resolved: server.redirected, failed: 0 });
  });

  it("goes on where a range broke off, and from another mirror", async () => {
    server.fault = "truncated";
    const proxy = await proxyOf([server.url, second.url]);
    const answer = await ask(proxy.url, "bytes=0-262143");
    expect(answer.body.equals(bytes(0, 262_143))).toBe(true);
    expect(second.asked[0]).toMatch(/^[1-9]\d*-524287$/);
    expect(proxy.transfer.received).toBe(524_288);
  });

  it("waits as long as a server asks for, and no longer than RAUC waits", async () => {
    server.fault = "429";
    server.faults = 1;
    const proxy = await proxyOf([server.url], { ...quick, readMs: 1_500 });
    const before = performance.now();
    expect((await ask(proxy.url, "bytes=0-3")).status).toBe(206);
    expect(performance.now() - before).toBeGreaterThan(990);
    server.retryAfter = "3600";
    server.faults = 1;
    const asked = performance.now();
    expect((await ask(proxy.url, "bytes=2000000-2000003")).status).toBe(404);
    expect(performance.now() - asked).toBeLessThan(500);
    expect(proxy.failure).toContain("answered with 429");
  });
});

describe("whatever a server does", () => {
  const faults: readonly (readonly [Fault, string])[] = [
    ["no ranges", "not with the range asked for"],
    ["captive portal", "not with the range asked for"],
    ["gzip", "answered in gzip"],
    ["wrong length", `has a file of ${SIZE + 1} bytes, expected ${SIZE}`],
    ["other range", "answered with another range"],
    ["redirect loop", "redirects in a circle"],
    ["504", "answered with 504"],
    ["silent", "sent nothing for 0.2 s"],
    ["slow loris", "cannot be read"],
  ];

  it.each(faults)("%s: ends in time, with its name", async (fault, problem) => {
    server.fault = fault;
    const proxy = await proxyOf();
    const before = performance.now();
    const from = 100_000;
    expect((await ask(proxy.url, `bytes=${from}-${from + 131_071}`)).status).toBe(404);
    expect(performance.now() - before).toBeLessThan(quick.readMs + quick.rangeMs + 500);
    expect(proxy.failure).toContain(problem);
    // And nothing is waited for again.
    const again = performance.now();
    expect((await ask(proxy.url, "bytes=0-3")).status).toBe(404);
    expect(performance.now() - again).toBeLessThan(200);
  });

  it.each(faults)("%s: another mirror serves instead", async (fault) => {
    server.fault = fault;
    const proxy = await proxyOf([server.url, second.url]);
    const answer = await ask(proxy.url, "bytes=100000-131071");
    expect(answer.body.equals(bytes(100_000, 131_071))).toBe(true);
  });

  it.each(["504", "truncated", "silent", "captive portal"] as const)("%s, once: heals", async (fault) => {
    server.fault = fault;
    server.faults = 1;
    const proxy = await proxyOf();
    expect((await ask(proxy.url, "bytes=0-99999")).body.equals(bytes(0, 99_999))).toBe(true);
  });

  it("sends more than was asked for: the rest is not taken", async () => {
    server.fault = "endless";
    const proxy = await proxyOf();
    expect((await ask(proxy.url, "bytes=0-16383")).body.equals(bytes(0, 16_383))).toBe(true);
    expect(proxy.transfer.received).toBeLessThan(40_000);
  });

  it("keeps no more than the cache may hold", async () => {
    const proxy = await proxyOf([server.url], { ...quick, cacheBytes: 1024 * 1024 });
    for (let from = 0; from + 100_000 < SIZE; from += 100_000)
      await ask(proxy.url, `bytes=${from}-${from + 99_999}`);
    expect(proxy.transfer.cachedBytes).toBeLessThanOrEqual(1024 * 1024);
    expect(proxy.transfer.cachedBytes).toBeGreaterThan(900 * 1024);
  });

  it.each([
    ["https://releases/a", "http://elsewhere/a", false],
    ["https://releases/a", "ftp://elsewhere/a", false],
    ["https://releases/a", "http://[", false],
    ["https://releases/a", "https://elsewhere/a", true],
    ["http://pi.local/a", "/b", true],
    ["http://pi.local/a", "https://elsewhere/a", true],
  ])("%s that leads to %s is followed: %s", async (url, location, followed) => {
    const asked: string[] = [];
    const client = {
      get: async (at: string, from: number, to: number) => {
        asked.push(at);
        if (at === url)
          return { status: 302, headers: { location }, body: Buffer.alloc(0), broken: undefined };
        const headers = { "content-range": `bytes ${from}-${to}/9` };
        return { status: 206, headers, body: Buffer.alloc(to - from + 1), broken: undefined };
      },
    };
    const got = new Mirror(url, 9, client, 8).get(0, 3, AbortSignal.timeout(1_000));
    if (followed) expect(await got).toHaveLength(4);
    else await expect(got).rejects.toThrow("redirects to what is not https");
    expect(asked).toHaveLength(followed ? 2 : 1);
  });
});
