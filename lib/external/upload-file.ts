import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { Failure } from "../failure.ts";

/** A file on its way out, with what it was when it was looked at. */
export interface UploadFile {
  readonly path: string;
  readonly bytes: number;
  /** Hex; the last piece is only sent when all pieces together have it. */
  readonly sha256: string;
}

export class UploadFileError extends Failure<"CHANGED"> {
  readonly area = "http";
}

export interface OpenUpload {
  readonly bytes: number;
  readonly chunks: AsyncIterable<Buffer>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 256 * 1024;

/** Opens what is to be sent. Its pieces end with UploadFileError where the file is not what it was. */
export async function openUpload(body: Uint8Array | UploadFile | undefined): Promise<OpenUpload | undefined> {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) {
    const chunk = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return { bytes: chunk.length, chunks: once(chunk), close: async () => undefined };
  }
  const handle = await open(body.path, "r");
  const stream = handle.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false });
  return {
    bytes: body.bytes,
    chunks: checked(stream as AsyncIterable<Buffer>, body),
    close: async () => {
      stream.destroy();
      await handle.close();
    },
  };
}

async function* once(chunk: Buffer): AsyncIterable<Buffer> {
  yield chunk;
}

/** Passes pieces on, each after the next one was read, so that the last waits for the digest. */
async function* checked(pieces: AsyncIterable<Buffer>, file: UploadFile): AsyncIterable<Buffer> {
  const hash = createHash("sha256");
  let bytes = 0;
  let held: Buffer | undefined;
  for await (const piece of pieces) {
    hash.update(piece);
    bytes += piece.length;
    if (bytes > file.bytes) break;
    if (held !== undefined) yield held;
    held = piece;
  }
  if (bytes !== file.bytes || hash.digest("hex") !== file.sha256) {
    throw new UploadFileError("CHANGED", `${file.path} changed after it was looked at`, {
      fix: "run the release again while nothing writes to its files",
    });
  }
  if (held !== undefined) yield held;
}
