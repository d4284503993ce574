import type { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Bench } from "../../../lib/emulator/disk.ts";
import type { MachineName } from "../../../lib/emulator/machine.ts";
import { PoweredMachine } from "../../../lib/emulator/power.ts";
import { clock } from "../../../lib/external/clock.ts";
import type { RunningProcess } from "../../../lib/external/process.ts";
import { type QmpServer, serveQmp } from "./qmp-server.ts";

/** As long as a busy machine may take, in milliseconds. */
const PATIENCE = { timeout: 4_000 };

let server: QmpServer | undefined;
afterEach(() => server?.close());

/** A machine whose QEMU is its control socket only, and ends as told. */
async function standIn(machine: MachineName) {
  let socket: Socket | undefined;
  let exit: (code: number) => void = () => undefined;
  let starts = 0;
  let say: (text: string) => void = () => undefined;
  /** As QEMU ends: what it has to tell first, then its socket, then the process. */
  const end = (reason: string): void => {
    socket?.end(`{"event": "SHUTDOWN", "data": {"guest": true, "reason": "${reason}"}}\r\n`);
    exit(0);
  };
  server = await serveQmp((request, from) => {
    socket = from;
    if (request.execute === "quit") end("host-qmp-quit");
    return request.execute === "quit" ? [] : [`{"return": {}, "id": ${request.id}}`];
  });
  const start = (_: unknown, onData: (chunk: Buffer) => void): RunningProcess => {
    starts += 1;
    say = (text) => onData(Buffer.from(text));
    const exited = Promise.withResolvers<number>();
    exit = exited.resolve;
    return {
      ...{ pid: starts, exited: exited.promise, write: () => undefined },
      stop: () => Promise.resolve(exit(1)),
    };
  };
  const { signal } = new AbortController();
  const bench = {
    tools: { command: (argv: readonly string[]) => ({ argv }) },
    world: { clock, signal, processes: { start } },
    work: "/w",
  } as unknown as Bench;
  const powered = await PoweredMachine.on(bench, {
    ...{ machine, disk: "/w/disk.img", dtb: "/w/dtb", firmware: "/w/u-boot.bin", sshPort: 2222 },
    ...{ qmpSocket: server.path, socketFolder: "/s", log: () => undefined },
  });
  const asked = (): string[] => (server?.requests ?? []).map(({ execute }) => execute);
  return { powered, end, asked, starts: () => starts, say: (text: string) => say(text) };
}

describe("a machine whose QEMU ends where its guest restarts", () => {
  it("is started anew, with a network to plug in, until its power is cut", async () => {
    const { powered, end, asked, starts } = await standIn("raspi3b");
    let off = false;
    void powered.exited.then(() => (off = true));
    const plugs = (): number => asked().filter((name) => name === "device_add").length;
    for (let start = 1; start <= 4; start += 1) {
      // Its control socket may be on its way still.
      await vi.waitFor(async () => {
        await powered.plugNetwork();
        expect(plugs()).toBe(start);
      }, PATIENCE);
      await powered.plugNetwork();
      expect([plugs(), starts(), off]).toEqual([start, start, false]);
      if (start < 4) end("guest-reset");
    }
    await powered.cut();
    expect([starts(), off]).toEqual([4, true]);
  });

  it("is up once Linux is, in each start anew", async () => {
    const { powered, end, asked, say } = await standIn("raspi3b");
    const seen = [powered.up];
    say("home-pi: slot A, 2 attempts left after this one\r\n");
    seen.push(powered.up);
    say("[  OK  ] Reached target getty.target - Login Prompts.\r\n");
    seen.push(powered.up);
    end("guest-reset");
    await vi.waitFor(
      () => expect(asked().filter((name) => name === "qmp_capabilities")).toHaveLength(2),
      PATIENCE,
    );
    seen.push(powered.up);
    say("[  OK  ] Reached target getty.target - Login Prompts.\r\n");
    seen.push(powered.up);
    expect(seen).toEqual([false, false, true, false, true]);
    await powered.cut();
  });

  it("is off where its guest switches it off", async () => {
    const { powered, end, starts } = await standIn("raspi3b");
    end("guest-shutdown");
    expect(await powered.exited).toBe(0);
    expect(starts()).toBe(1);
  });

  it("is off, and says so, where it dies", async () => {
    const { powered } = await standIn("virt");
    const waiting = powered.console.waitForText(/login/, "the login prompt", 60_000);
    await powered.cut();
    await expect(waiting).rejects.toMatchObject({ code: "QEMU" });
  });
});
