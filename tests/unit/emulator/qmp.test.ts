import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { QmpClient } from "../../../lib/emulator/qmp.ts";
import { clock } from "../../../lib/external/clock.ts";
import { type QmpServer, serveQmp } from "./qmp-server.ts";

const limits = { connectMs: 300, answerMs: 300 };
const { signal } = new AbortController();
const none = () => undefined;
const connect = (path: string) => QmpClient.connect(path, clock, signal, none, limits);

let server: QmpServer | undefined;
afterEach(() => server?.close());

const ok = ({ id }: { id: number }): string[] => [`{"return": {}, "id": ${id}}`];

describe("QmpClient", () => {
  it("agrees on capabilities, then sends commands", async () => {
    server = await serveQmp(ok);
    const qmp = await connect(server.path);
    await qmp.deviceAdd({ driver: "usb-net", netdev: "n0", id: "un0" });
    await qmp.systemReset();
    await qmp.quit();
    qmp.close();
    expect(server.requests.map((request) => request.execute)).toEqual([
      ...["qmp_capabilities", "device_add", "system_reset", "quit"],
    ]);
    expect(server.requests[1]?.arguments).toEqual({ driver: "usb-net", netdev: "n0", id: "un0" });
  });

  it("gives each command its own answer, past events and noise", async () => {
    const late: (() => void)[] = [];
    server = await serveQmp((request, socket) => {
      if (request.execute !== "slow") return [`{"event": "RESET", "timestamp": {}}`, "x", ...ok(request)];
      late.push(() => socket.write(`{"return": "slow", "id": ${request.id}}\r\n`));
      return [];
    });
    const qmp = await connect(server.path);
    const slow = qmp.execute("slow");
    expect(await qmp.execute("fast")).toEqual({});
    for (const answer of late) answer();
    expect(await slow).toBe("slow");
    qmp.close();
  });

  it("waits for a socket that opens late", async () => {
    server = await serveQmp(ok);
    const { path } = server;
    await server.close();
    const connecting = QmpClient.connect(path, clock, signal, none, { ...limits, connectMs: 5_000 });
    await pause(100);
    const { mkdir } = await import("node:fs/promises");
    const { dirname } = await import("node:path");
    const { createServer } = await import("node:net");
    await mkdir(dirname(path), { recursive: true });
    const second = createServer((socket) => {
      socket.write('{"QMP": {}}\r\n');
      socket.on("data", () => socket.write('{"return": {}, "id": 1}\r\n'));
    });
    await new Promise<void>((resolve) => second.listen(path, resolve));
    const qmp = await connecting;
    qmp.close();
    await new Promise((resolve) => second.close(resolve));
  });

  it("tells events, all of them before the end", async () => {
    server = await serveQmp((request, socket) => {
      if (request.execute !== "quit") return ok(request);
      socket.end(
        '{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}\r\n{"event": "STOP"}\r\n',
      );
      return [];
    });
    const told: (string | undefined)[][] = [];
    const qmp = await QmpClient.connect(server.path, clock, signal, (...event) => told.push(event), limits);
    await expect(qmp.quit()).rejects.toThrow("QEMU closed its control socket");
    await qmp.closed;
    expect(told).toEqual([
      ["SHUTDOWN", "guest-reset"],
      ["STOP", undefined],
    ]);
  });

  it("says what QEMU refused", async () => {
    server = await serveQmp((request) =>
      request.execute === "device_add"
        ? [`{"error": {"class": "GenericError", "desc": "Duplicate device ID 'un0'"}, "id": ${request.id}}`]
        : ok(request),
    );
    const qmp = await connect(server.path);
    await expect(qmp.deviceAdd({ id: "un0" })).rejects.toThrow("GenericError: Duplicate device ID 'un0'");
    qmp.close();
  });

  it("gives up on an answer that does not come", async () => {
    server = await serveQmp((request) => (request.execute === "quit" ? [] : ok(request)));
    const qmp = await connect(server.path);
    await expect(qmp.quit()).rejects.toThrow("the answer to quit is missing");
    qmp.close();
  });

  it("gives up on a greeting that does not come", async () => {
    server = await serveQmp(ok, "");
    await expect(connect(server.path)).rejects.toThrow("its greeting is missing");
  });

  it("ends what is waited for when QEMU dies, and sends nothing more", async () => {
    server = await serveQmp((request, socket) => {
      if (request.execute === "quit") socket.destroy();
      return request.execute === "quit" ? [] : ok(request);
    });
    const qmp = await connect(server.path);
    await expect(qmp.quit()).rejects.toThrow("QEMU closed its control socket");
    await expect(qmp.systemReset()).rejects.toThrow("system_reset was not sent");
  });
});
