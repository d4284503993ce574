import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { webSource } from "../../../lib/external/source.ts";
import { openManifest } from "../../../lib/manifest/client/open.ts";
import { Bench, START } from "../../unit/manifest/example.ts";

const bench = new Bench().release("v1.0.0");
const folder = mkdtempSync(join(tmpdir(), "manifest-web-"));

/** How the server answers: as it should, or for one path as the test says. */
let fault: { readonly path: string; readonly how: "500" | "endless" | "silent" | "reset" } | undefined;
let asked: string[] = [];
let server: Server;
let base = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/site\//, "");
    asked.push(path);
    if (fault?.path === path) {
      if (fault.how === "silent") return;
      if (fault.how === "reset") return void request.socket.destroy();
      if (fault.how === "500") return void response.writeHead(500).end("no");
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, "x")));
      };
      response.on("drain", more);
      return more();
    }
    const content = bench.files.get(path);
    if (content === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-length": content.byteLength }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/site`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  fault = undefined;
  asked = [];
});

const open = (timeoutMs = 5_000, signal?: AbortSignal) =>
  openManifest({
    source: webSource(base, { timeoutMs, ...(signal === undefined ? {} : { signal }) }),
    trustedRoot: bench.trusted,
    folder: mkdtempSync(join(folder, "memory-")),
    now: START,
  });

describe("a manifest on the web", () => {
  it("is read with one request per file", async () => {
    const opened = await open();
    expect(opened.channels.stable?.release).toBe("v1.0.0");
    expect(opened.versions).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1 });
    expect(opened.targets.get("releases/v1.0.0/release.json")?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(asked.slice(0, 4)).toEqual(["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]);
    expect(asked).toHaveLength(6);
    expect(new Set(opened.files)).toEqual(new Set(asked.slice(1)));
  });

  it("that is not there is told from one that is damaged", async () => {
    const source = webSource(`${base}/elsewhere`, { timeoutMs: 5_000 });
    const request = {
      source,
      trustedRoot: bench.trusted,
      folder: mkdtempSync(join(folder, "memory-")),
      now: START,
    };
    await expect(openManifest(request)).rejects.toMatchObject({
      code: "ABSENT",
      message: `timestamp.json: is not in ${base}/elsewhere/`,
      fix: "is this the address of a manifest?",
    });
  });

  it.each([
    ["500", "timestamp.json", "UNREACHABLE", "was answered with 500"],
    ["500", "2.root.json", "UNREACHABLE", "2.root.json was answered with 500"],
    ["reset", "1.targets.json", "UNREACHABLE", "1.targets.json could not be fetched"],
    ["endless", "timestamp.json", "FILE", "timestamp.json is larger than 16384 bytes"],
    ["endless", "1.snapshot.json", "FILE", "1.snapshot.json is larger than"],
  ] as const)("%s at %s is %s", async (how, path, code, message) => {
    fault = { how, path };
    await expect(open()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it("that never answers ends with the limit", async () => {
    fault = { how: "silent", path: "1.snapshot.json" };
    await expect(open(300)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("no answer within 0.3 s"),
    });
  });

  it("is left at once when somebody stops the run", async () => {
    fault = { how: "silent", path: "timestamp.json" };
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    await expect(open(5_000, stop.signal)).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});
