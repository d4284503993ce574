import { createHash, randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { Failure } from "../failure.ts";

export class ReceivedFileError extends Failure<"DIGEST"> {
  readonly area = "file";
}

export interface ExpectedFile {
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

type OnData = (chunk: Buffer) => Promise<void>;

/**
 * Writes what `source` hands over beside `path`, and renames it there when it is what was expected, down to
 * the disk; otherwise nothing is left. Throws ReceivedFileError, and what `source` or the file system throws.
 */
export async function receiveFile(
  path: string,
  expected: ExpectedFile,
  source: (onData: OnData) => Promise<void>,
  mode = 0o644,
): Promise<void> {
  const part = `${path}.part-${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await writeExpected(part, expected, source, mode);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** The same without the rename: into a file that is overwritten. */
export async function writeExpected(
  path: string,
  expected: ExpectedFile,
  source: (onData: OnData) => Promise<void>,
  mode: number,
): Promise<void> {
  const hash = createHash("sha256");
  let bytes = 0;
  await rm(path, { force: true });
  const handle = await open(path, "wx", mode);
  try {
    await source(async (chunk) => {
      bytes += chunk.length;
      if (bytes > expected.bytes) throw unlike(expected, `more than ${bytes} bytes`);
      hash.update(chunk);
      await handle.writeFile(chunk);
    });
    const sha256 = hash.digest("hex");
    if (bytes !== expected.bytes) throw unlike(expected, `${bytes} bytes`);
    if (sha256 !== expected.sha256) throw unlike(expected, `sha256 ${sha256}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unlike({ name, bytes, sha256 }: ExpectedFile, found: string): ReceivedFileError {
  return new ReceivedFileError("DIGEST", `${name} has ${found}, expected ${bytes} bytes, sha256 ${sha256}`, {
    fix: "do not use the file; get or build it again",
  });
}
