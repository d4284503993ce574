import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DownloadRequest, download } from "../../../lib/external/download.ts";
import { sha256OfText } from "../../../lib/external/files.ts";
import { type Publisher, publish } from "./publisher.ts";

const CONTENT = Buffer.alloc(300_000, "pi");
let folder: string;
let publisher: Publisher;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "download-"));
  publisher = await publish({
    "/file": CONTENT,
    "/moved": { redirect: "/file" },
    "/elsewhere": { redirect: "http://example.invalid/file" },
    "/gone": { status: 410 },
    "/slow": "silence",
  });
});
afterEach(async () => {
  await publisher.close();
  await rm(folder, { recursive: true });
});

function request(path: string, more: Partial<DownloadRequest> = {}): DownloadRequest {
  return {
    url: publisher.url(path),
    to: join(folder, "file"),
    maxBytes: 1_000_000,
    timeoutMs: 10_000,
    ...more,
  };
}

describe("download", () => {
  test("lands whole, with its digest and progress, through a redirect", async () => {
    const seen: number[] = [];
    const sha256 = sha256OfText(CONTENT);
    const got = await download(request("/moved", { sha256, onProgress: (bytes) => seen.push(bytes) }));
    expect(got).toEqual({ sha256, bytes: CONTENT.length });
    expect(seen.at(-1)).toBe(CONTENT.length);
    expect(await readFile(join(folder, "file"))).toEqual(CONTENT);
    expect(await readdir(folder)).toEqual(["file"]);
  });

  test.each([
    ["/gone", {}, "STATUS", /answered with 410/],
    ["/file", { sha256: "0".repeat(64) }, "DIGEST", /has sha256 [0-9a-f]{64}, expected 0{64}/],
    ["/file", { maxBytes: 299_999 }, "TOO_LARGE", /larger than 299999 bytes/],
    ["/slow", { timeoutMs: 200 }, "TIMEOUT", /took longer than 0 s/],
    ["/slow", { signal: AbortSignal.timeout(100) }, "INTERRUPTED", /interrupted/],
  ] as const)("%s with %j fails with %s and leaves what was there", async (path, more, code, message) => {
    await writeFile(join(folder, "file"), "before");
    await expect(download(request(path, more))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await readdir(folder)).toEqual(["file"]);
    expect(await readFile(join(folder, "file"), "utf8")).toBe("before");
  });

  test("a server that is not there is named with the reason", async () => {
    const url = publisher.url("/file");
    await publisher.close();
    publisher = await publish({});
    const failing = download(request("/file", { url }));
    await expect(failing).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test.each(["http://example.com/x", "http://127.evil.example/x", "ftp://example.com/x"])(
    "%s is not fetched",
    async (url) => {
      await expect(download(request("/file", { url }))).rejects.toMatchObject({ code: "INSECURE" });
    },
  );
});
