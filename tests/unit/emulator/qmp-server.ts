import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Request {
  readonly execute: string;
  readonly arguments?: unknown;
  readonly id: number;
}

export interface QmpServer {
  readonly path: string;
  readonly requests: Request[];
  close(): Promise<void>;
}

const GREETING =
  '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}}, "capabilities": ["oob"]}}';

/** A control socket that answers as QEMU does; `answer` gives the lines for one request. */
export async function serveQmp(
  answer: (request: Request, socket: Socket) => readonly string[],
  greeting: string | undefined = GREETING,
): Promise<QmpServer> {
  const folder = await mkdtemp(join(tmpdir(), "qmp-"));
  const path = join(folder, "s");
  const requests: Request[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    if (greeting !== "") socket.write(`${greeting}\r\n`);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().trim().split("\n")) {
        const request = JSON.parse(line) as Request;
        requests.push(request);
        for (const text of answer(request, socket)) socket.write(`${text}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    requests,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
