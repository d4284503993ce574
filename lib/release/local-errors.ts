import prettyBytes from "pretty-bytes";
import { roomAt } from "../external/files.ts";
import { ProcessError } from "../external/process.ts";
import { ReceivedFileError } from "../external/receive-file.ts";
import { ReleaseError } from "./failure.ts";

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const CLOSED = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOENT", "EEXIST", "ELOOP"]);
const ELSEWHERE = "./pi release --store /another/folder";

/** Runs what reads and writes a store's folder; throws ReleaseError STORE, DIGEST or INTERRUPTED for it. */
export async function sayingWhatStopped<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await asStoreError(folder, error);
  }
}

async function asStoreError(folder: string, error: unknown): Promise<unknown> {
  if (error instanceof ReceivedFileError) {
    const { message, fix = "" } = error;
    return new ReleaseError("DIGEST", message, { fix });
  }
  if (error instanceof ProcessError) {
    if (error.code === "INTERRUPTED") return new ReleaseError("INTERRUPTED", error.message);
    const { message, details } = error;
    return new ReleaseError("STORE", message, { details, fix: `choose another folder: ${ELSEWHERE}` });
  }
  const { code = "", path, message } = error as NodeJS.ErrnoException;
  const cause = error;
  if (path !== undefined && !path.startsWith(folder)) {
    return new ReleaseError("STORE", `${path} cannot be copied into the store (${code})`, {
      fix: "run it again: what is missing is made",
      cause,
    });
  }
  if (FULL.has(code)) {
    const free = prettyBytes((await roomAt(folder)).freeBytes);
    return new ReleaseError("STORE", `${folder} has no room for the release (${code}, ${free} free)`, {
      fix: `make room and run it again, which goes on where this ended; or ${ELSEWHERE}`,
      cause,
    });
  }
  if (code === "ENOTEMPTY") {
    return new ReleaseError("STORE", `${folder}: the release is there already (${message})`, {
      fix: "run it again: what is there is compared",
    });
  }
  if (CLOSED.has(code)) {
    return new ReleaseError("STORE", `${path ?? folder} in the store ${folder} cannot be used (${code})`, {
      fix: `give the folder to this user, or ${ELSEWHERE}`,
      cause,
    });
  }
  return error;
}
