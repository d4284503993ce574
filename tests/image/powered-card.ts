import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitForReport } from "../../lib/emulator/await-report.ts";
import type { Bench, Disk } from "../../lib/emulator/disk.ts";
import { findBuiltImage } from "../../lib/emulator/find-image.ts";
import { machineLimits } from "../../lib/emulator/limits.ts";
import type { MachineExtras, MachineName } from "../../lib/emulator/machine.ts";
import { PoweredMachine } from "../../lib/emulator/power.ts";
import { type Prepared, prepare } from "../../lib/emulator/prepare.ts";
import type { Report } from "../../lib/emulator/report.ts";
import { makeKey, type SshKey, sshCommand, throwAwayIdentity } from "../../lib/emulator/ssh.ts";
import { openLogFile } from "../../lib/external/log-file.ts";
import { processes } from "../../lib/external/process.ts";
import { shortParent, withScratch } from "../../lib/external/scratch.ts";
import { freePort } from "../../lib/external/socket.ts";
import { cacheDir, testTools, world } from "./surroundings.ts";

/** Where the console of each test is kept: a boot that failed is read there. */
const LOGS = process.env.PI_TEST_LOGS ?? join(tmpdir(), "home-pi-consoles");
const SSH_TRIES = 40;
const SSH_PAUSE_MS = 3_000;

export interface CardRequest {
  readonly name: string;
  readonly machine?: MachineName;
  readonly profile?: string;
  /** Whether an identity with a throw-away key lies on p1. */
  readonly identity?: boolean;
}

/** A card that is booted again and again, and changed in between. */
export class Card {
  readonly bench: Bench;
  readonly disk: Disk;
  readonly key: SshKey | undefined;
  readonly image: string;
  readonly machine: MachineName;
  readonly #prepared: Prepared;
  readonly #log: (text: string | Uint8Array) => void;
  readonly #socketFolder: string;
  #boots = 0;

  constructor(
    bench: Bench,
    prepared: Prepared,
    own: { image: string; machine: MachineName; key: SshKey | undefined },
    wiring: { log: (text: string | Uint8Array) => void; socketFolder: string },
  ) {
    this.bench = bench;
    this.#prepared = prepared;
    this.disk = prepared.disk;
    this.image = own.image;
    this.machine = own.machine;
    this.key = own.key;
    this.#log = wiring.log;
    this.#socketFolder = wiring.socketFolder;
  }

  /** Switches the machine on, lets `work` look at it, and cuts the power on every path. */
  async powered<T>(work: (node: PoweredNode) => Promise<T>, extras?: MachineExtras): Promise<T> {
    this.#boots += 1;
    this.#log(`--- power-on ${this.#boots}\n`);
    const { disk, dtb, firmware } = this.#prepared;
    const sshPort = this.key === undefined ? undefined : await freePort();
    const machine = await PoweredMachine.on(this.bench, {
      ...{ machine: this.machine, disk: disk.path, dtb, firmware },
      ...{
        socketFolder: this.#socketFolder,
        qmpSocket: join(this.#socketFolder, "qmp.sock"),
        log: this.#log,
      },
      ...(sshPort === undefined ? {} : { sshPort }),
      ...(extras === undefined ? {} : { extras }),
    });
    try {
      return await work(new PoweredNode(this, machine, sshPort));
    } finally {
      await machine.cut();
    }
  }

  /** One boot until the node reported. */
  report(extras?: MachineExtras): Promise<Report> {
    return this.powered((node) => node.report(), extras);
  }
}

export class PoweredNode {
  readonly machine: PoweredMachine;
  readonly #card: Card;
  readonly #sshPort: number | undefined;

  constructor(card: Card, machine: PoweredMachine, sshPort: number | undefined) {
    this.#card = card;
    this.machine = machine;
    this.#sshPort = sshPort;
  }

  report(): Promise<Report> {
    return waitForReport(this.machine, this.#card.machine, () => undefined);
  }

  waitForText(pattern: RegExp, timeoutMs: number): Promise<string> {
    // What ends a boot elsewhere is what these tests bring about.
    return this.machine.console.waitForText(pattern, String(pattern), timeoutMs, ["PANIC", "EMERGENCY"]);
  }

  /** Runs a command on the node as whoever the identity lets in. Waits for sshd. */
  async ssh(command: string, accept: readonly number[] = [0]): Promise<string> {
    const { bench, key } = this.#card;
    if (key === undefined || this.#sshPort === undefined) throw new Error("this card has no identity");
    await this.machine.plugNetwork();
    const argv = sshCommand({ port: this.#sshPort, key: key.file }, command);
    const run = bench.tools.command(argv, {
      ...{ binds: [{ source: bench.work }], cwd: bench.work, timeoutMs: machineLimits.virt.sshMs },
    });
    for (let left = SSH_TRIES; ; left -= 1) {
      const result = await processes.run({ ...run, accept: [...accept, 255] });
      // 255 is ssh's own: nobody answered yet.
      if (result.exitCode !== 255 || accept.includes(255)) return result.stdout;
      if (left === 0) throw new Error(`ssh: ${result.stderr}`);
      await world.clock.sleep(SSH_PAUSE_MS, world.signal);
    }
  }
}

/** A card with the last build of a profile, for one test. */
export async function withCard(request: CardRequest, work: (card: Card) => Promise<void>): Promise<void> {
  const { name, machine = "virt", profile = "agent", identity = false } = request;
  const tools = await testTools();
  if (tools === undefined || cacheDir === undefined) throw new Error("PI_TEST_CACHE names no cache");
  const { image } = await findBuiltImage(cacheDir, { cluster: "home", profile, board: "rpi-arm64" });
  await mkdir(LOGS, { recursive: true });
  const log = await openLogFile(join(LOGS, `${name}.log`));
  try {
    await withScratch(tmpdir(), "card-", (folder) =>
      withScratch(shortParent(), "pi-", async (socketFolder) => {
        const bench: Bench = { tools, world, work: folder };
        const key = identity ? await makeKey(bench, "friend") : undefined;
        const identityText = key === undefined ? undefined : throwAwayIdentity(key.publicKey);
        const prepared = await prepare(bench, { machine, image, identityText, report: true });
        await work(new Card(bench, prepared, { image, machine, key }, { log: log.write, socketFolder }));
      }),
    );
  } finally {
    await log.close();
  }
}
