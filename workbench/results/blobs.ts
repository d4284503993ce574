import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

interface Blob {
  readonly path: string;
  contentType: string;
  finished: boolean;
}

/** Storage as Azure's blobs behave to those two clients: whole uploads, blocks and their list, ranges. */
export function blobStorage(folder: string) {
  const blobs = new Map<string, Blob>();
  const blockOf = (id: string, block: string): string =>
    join(folder, `${id}.${Buffer.from(block).toString("hex")}`);

  async function put(id: string, url: URL, request: IncomingMessage): Promise<number> {
    await mkdir(folder, { recursive: true });
    const blob = blobs.get(id);
    if (blob === undefined) return 404;
    const comp = url.searchParams.get("comp");
    if (comp === "block") {
      await pipeline(request, createWriteStream(blockOf(id, url.searchParams.get("blockid") ?? "")));
      return 201;
    }
    blob.contentType = String(request.headers["x-ms-blob-content-type"] ?? "application/octet-stream");
    if (comp === "blocklist") await joinBlocks(id, blob, await textOf(request));
    else await pipeline(request, createWriteStream(blob.path));
    blob.finished = true;
    return 201;
  }

  /** The list says which blocks make the file, and in which order: they arrive in any. */
  async function joinBlocks(id: string, blob: Blob, list: string): Promise<void> {
    await rm(blob.path, { force: true });
    for (const [, block = ""] of list.matchAll(/<Latest>([^<]+)<\/Latest>/g)) {
      const path = blockOf(id, block);
      await pipeline(createReadStream(path), createWriteStream(blob.path, { flags: "a" }));
      await rm(path);
    }
  }

  async function give(id: string, request: IncomingMessage, response: ServerResponse, name: string) {
    const blob = blobs.get(id);
    if (blob?.finished !== true) return void response.writeHead(404).end();
    const { size } = await stat(blob.path);
    const asked = /^bytes=(\d+)-(\d*)$/.exec(
      String(request.headers["x-ms-range"] ?? request.headers.range ?? ""),
    );
    const start = Number(asked?.[1] ?? 0);
    const end = asked?.[2] ? Math.min(Number(asked[2]), size - 1) : size - 1;
    response.writeHead(asked === null ? 200 : 206, {
      "content-type": blob.contentType,
      "content-length": size === 0 ? 0 : end - start + 1,
      "content-disposition": `attachment; filename="${name}"`,
      ...(asked === null ? {} : { "content-range": `bytes ${start}-${end}/${size}` }),
      etag: `"${id}"`,
      "last-modified": new Date(0).toUTCString(),
      "x-ms-blob-type": "BlockBlob",
    });
    if (request.method === "HEAD" || size === 0) return void response.end();
    await pipeline(createReadStream(blob.path, { start, end }), response);
  }

  return {
    /** Room for one more blob. */
    add(id: string): void {
      blobs.set(id, { path: join(folder, id), contentType: "", finished: false });
    },
    bytesOf: async (id: string): Promise<number> => (await stat(join(folder, id))).size,
    isFinished: (id: string): boolean => blobs.get(id)?.finished === true,
    put,
    give,
  };
}

export type BlobStorage = ReturnType<typeof blobStorage>;

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
