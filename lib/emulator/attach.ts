import { join } from "node:path";
import { openLogFile } from "../external/log-file.ts";
import { shortParent, withScratch } from "../external/scratch.ts";
import { freePort } from "../external/socket.ts";
import type { Terminal } from "../external/terminal.ts";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { MachineName } from "./machine.ts";
import { PoweredMachine } from "./power.ts";
import { prepare } from "./prepare.ts";

export interface AttachOptions {
  readonly machine: MachineName;
  readonly image: string;
  readonly identityText: string | undefined;
  readonly scratch: string;
  readonly consoleLog: string;
  /** Told before power-on. */
  readonly onReady: (facts: { sshPort: number }) => void;
}

/** Ctrl-], as in telnet and virsh. */
const LEAVE = "\u001d";

/** What of the input goes to the machine, and whether the person leaves. Pure. */
export function readInput(text: string): { readonly send: string; readonly leave: boolean } {
  const at = text.indexOf(LEAVE);
  return at < 0 ? { send: text, leave: false } : { send: text.slice(0, at), leave: true };
}

/** Lets a person sit at the serial line of a booting copy, until Ctrl-] or the machine's end. */
export async function attachConsole(
  options: AttachOptions,
  terminal: Terminal,
  tools: ToolsTree,
  world: World,
): Promise<void> {
  const log = await openLogFile(options.consoleLog);
  try {
    await withScratch(options.scratch, "boot-", (work) =>
      withScratch(shortParent(), "pi-", async (socketFolder) => {
        const bench = { tools, world, work };
        const { disk, dtb, firmware } = await prepare(bench, { ...options, report: false });
        const sshPort = await freePort();
        options.onReady({ sshPort });
        const powered = await PoweredMachine.on(bench, {
          ...{ machine: options.machine, disk: disk.path, dtb, firmware, socketFolder, sshPort },
          qmpSocket: join(socketFolder, "qmp.sock"),
          log: log.write,
          onData: (chunk) => terminal.write(chunk),
        });
        try {
          await sitAt(powered, terminal, world.signal);
        } finally {
          await powered.cut();
        }
      }),
    );
  } finally {
    await log.close();
  }
}

async function sitAt(powered: PoweredMachine, terminal: Terminal, signal: AbortSignal): Promise<void> {
  const left = Promise.withResolvers<void>();
  const onAbort = (): void => left.resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  const stop = terminal.listen((text) => {
    const { send, leave } = readInput(text);
    if (send !== "") powered.console.send(send);
    if (leave) left.resolve();
  });
  // A machine that hangs is for the person to watch; it only gets no network.
  const look = (): true | undefined => (powered.timeline.timings.loginMs === undefined ? undefined : true);
  void powered.console
    .waitFor({ what: "the login prompt", timeoutMs: Number.MAX_SAFE_INTEGER, look })
    .then(() => powered.plugNetwork())
    .catch(() => undefined);
  try {
    await Promise.race([left.promise, powered.exited]);
  } finally {
    stop();
    signal.removeEventListener("abort", onAbort);
  }
}
