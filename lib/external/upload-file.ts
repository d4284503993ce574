import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
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
  /** A piece is valid until the piece after the next one is asked for: there are three, used in turn. */
  readonly pieces: AsyncIterable<Buffer>;
  close(): Promise<void>;
}

const PIECE_BYTES = 512 * 1024;
/** One in the network's hands, one that waits for the digest, one that is read into. */
const PIECES = 3;

/** Opens what is to be sent. Its pieces end with UploadFileError where the file is not what it was. */
export async function openUpload(body: Uint8Array | UploadFile | undefined): Promise<OpenUpload | undefined> {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) {
    const piece = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return { bytes: piece.length, pieces: single(piece), close: async () => undefined };
  }
  const handle = await open(body.path, "r");
  return { bytes: body.bytes, pieces: checked(read(handle), body), close: () => handle.close() };
}

async function* single(piece: Buffer): AsyncIterable<Buffer> {
  yield piece;
}

/** Into the same few buffers: new ones for each piece would pile up until the garbage collector comes. */
async function* read(handle: FileHandle): AsyncIterable<Buffer> {
  const buffers = Array.from({ length: PIECES }, () => Buffer.allocUnsafe(PIECE_BYTES));
  for (let at = 0; ; at = (at + 1) % PIECES) {
    const buffer = buffers[at] ?? Buffer.allocUnsafe(PIECE_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, PIECE_BYTES, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
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
