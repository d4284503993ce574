import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";

export interface LogFile {
  write(text: string | Uint8Array): void;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

/** Opens a log for writing from its start; its folder is made. */
export async function openLogFile(path: string): Promise<LogFile> {
  await mkdir(dirname(path), { recursive: true });
  const stream = createWriteStream(path, { flags: "w" });
  const done = finished(stream);
  // A full disk shows when the log is closed, not as an unhandled rejection in the middle.
  done.catch(() => undefined);
  return {
    write: (text) => void stream.write(text),
    close: () => {
      stream.end();
      return done;
    },
  };
}
