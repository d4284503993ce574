import { createConnection, createServer } from "node:net";
import { lineSplitter } from "./process.ts";

export interface LineConnection {
  /** Sends one line; the newline is added. */
  send(line: string): void;
  close(): void;
  /** Resolves when the other side, an error or close() ended it. */
  readonly closed: Promise<void>;
}

/** Connects to a Unix socket that speaks lines. Rejects with the system's error (ENOENT, ECONNREFUSED ...). */
export function connectUnixLines(path: string, onLine: (line: string) => void): Promise<LineConnection> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const lines = lineSplitter(onLine);
    const closed = new Promise<void>((done) => socket.once("close", () => done()));
    socket.on("data", (chunk: Buffer) => lines.push(chunk));
    socket.once("error", reject);
    socket.once("connect", () => {
      // Later errors end in "close"; whoever waits for an answer learns it there.
      socket.on("error", () => undefined);
      resolve({ send: (line) => void socket.write(`${line}\n`), close: () => socket.destroy(), closed });
    });
  });
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("the system gave no port"));
      });
    });
  });
}
