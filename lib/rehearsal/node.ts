import { join } from "node:path";
import { stringify } from "yaml";
import type { Bench, Disk } from "../emulator/disk.ts";
import type { MachineExtras, MachineName } from "../emulator/machine.ts";
import { PoweredMachine } from "../emulator/power.ts";
import { type Prepared, prepare } from "../emulator/prepare.ts";
import { makeKey, type SshKey, sshCommand } from "../emulator/ssh.ts";
import { ProcessError } from "../external/process.ts";
import { freePort } from "../external/socket.ts";
import { RehearsalError } from "./failure.ts";
import { COMMAND_MS, HOST_FROM_GUEST, LOOK_MS, REACH_MS } from "./limits.ts";

export interface NodeRequest {
  readonly machine: MachineName;
  /** Path of an .img or .img.zst. */
  readonly image: string;
  readonly hostname: string;
  /** Further public keys that may log in. */
  readonly ssh?: readonly string[];
  /** Port of this machine's loopback where the store is served. */
  readonly storePort: number;
  /** Folder with a short path, for the control socket. */
  readonly socketFolder: string;
  readonly log: (text: string | Uint8Array) => void;
  readonly onLine?: (line: string) => void;
}

/** An emulated node that follows a store of this machine. Its card outlives its power. */
export class RehearsalNode {
  readonly bench: Bench;
  readonly disk: Disk;
  readonly machine: MachineName;
  readonly key: SshKey;
  readonly #prepared: Prepared;
  readonly #request: NodeRequest;
  #powered: PoweredMachine | undefined;
  #sshPort = 0;

  private constructor(bench: Bench, prepared: Prepared, request: NodeRequest, key: SshKey) {
    this.bench = bench;
    this.disk = prepared.disk;
    this.machine = request.machine;
    this.#prepared = prepared;
    this.#request = request;
    this.key = key;
  }

  /** Flashes the image onto a card of 8 GiB, with an identity that lets us in and names the store. */
  static async flash(bench: Bench, request: NodeRequest): Promise<RehearsalNode> {
    const key = await makeKey(bench, "rehearsal");
    const identityText = stringify({
      ...{ version: 1, hostname: request.hostname, ssh: [key.publicKey, ...(request.ssh ?? [])] },
      update: { address: `http://${HOST_FROM_GUEST}:${request.storePort}/manifest/` },
    });
    const prepared = await prepare(bench, {
      ...{ machine: request.machine, image: request.image, identityText, report: false },
      kernelArguments: `home-pi.time-server=${HOST_FROM_GUEST}`,
    });
    return new RehearsalNode(bench, prepared, request, key);
  }

  get powered(): PoweredMachine {
    if (this.#powered === undefined) throw new RehearsalError("NODE", "the node is switched off");
    return this.#powered;
  }

  get sshPort(): number {
    return this.#sshPort;
  }

  async switchOn(extras?: MachineExtras): Promise<void> {
    const { disk, dtb, firmware } = this.#prepared;
    const { socketFolder, log, onLine } = this.#request;
    this.#sshPort = await freePort();
    this.#powered = await PoweredMachine.on(this.bench, {
      ...{ machine: this.machine, disk: disk.path, dtb, firmware, socketFolder, log, sshPort: this.#sshPort },
      qmpSocket: join(socketFolder, "qmp.sock"),
      ...(onLine === undefined ? {} : { onLine }),
      ...(extras === undefined ? {} : { extras }),
    });
  }

  /** Pulls the plug. */
  async cut(): Promise<void> {
    await this.#powered?.cut();
    this.#powered = undefined;
  }

  /** How often the machine started since it was switched on. */
  get starts(): number {
    return this.powered.course.events.filter((event) => event === "start").length;
  }

  /**
   * Runs a command on the node, or resolves to undefined where it does not answer now. Throws ProcessError where the
   * command ran and failed.
   */
  async tryCommand(command: string, timeoutMs: number = COMMAND_MS): Promise<string | undefined> {
    // On a Pi 3 the network is plugged in once Linux is up, in each start anew.
    if (this.#powered?.up === true) await this.#powered.plugNetwork();
    const { tools, world, work } = this.bench;
    const argv = sshCommand({ port: this.#sshPort, key: this.key.file }, command);
    try {
      const result = await world.processes.run(
        tools.command(argv, {
          ...{ binds: [{ source: work }], cwd: work, timeoutMs, signal: world.signal, accept: [0, 255] },
        }),
      );
      return result.exitCode === 255 ? undefined : result.stdout;
    } catch (error) {
      if (error instanceof ProcessError && error.code === "TIMEOUT") return undefined;
      throw error;
    }
  }

  /** Runs a command once the node can be reached. Throws RehearsalError NODE where it cannot in time. */
  async command(command: string): Promise<string> {
    const { clock, signal } = this.bench.world;
    const until = clock.now() + REACH_MS[this.machine];
    for (;;) {
      const answer = await this.tryCommand(command);
      if (answer !== undefined) return answer;
      if (clock.now() > until) {
        throw new RehearsalError("NODE", "the node does not answer", { details: this.powered.console.tail });
      }
      await clock.sleep(LOOK_MS, signal);
    }
  }
}
