import type { Clock } from "../external/clock.ts";
import type { RunningProcess } from "../external/process.ts";
import { SerialConsole } from "./console.ts";
import { Course } from "./course.ts";
import type { Bench } from "./disk.ts";
import { EmulatorError } from "./failure.ts";
import { machineLimits, PAUSE_MS, QUIT_MS } from "./limits.ts";
import { endsOnRestart, type MachineRequest, machineCommand, networkHotPlug } from "./machine.ts";
import { QmpClient } from "./qmp.ts";
import { Timeline } from "./timeline.ts";

export interface PowerRequest extends MachineRequest {
  /** Folder of the control socket. */
  readonly socketFolder: string;
  readonly log: (text: string | Uint8Array) => void;
  readonly onLine?: (line: string) => void;
  /** Every byte of the serial line, for a person who sits at it. */
  readonly onData?: (chunk: Buffer) => void;
}

/** Linux is up. A login prompt on the serial line says so too, but a node too busy as it starts may leave that out. */
const UP = /Reached target getty\.target/;

/** A machine that runs, from power-on until its power is cut. */
export class PoweredMachine {
  readonly console: SerialConsole;
  readonly #bench: Bench;
  readonly #request: PowerRequest;
  readonly #clock: Clock;
  readonly #end = Promise.withResolvers<number | undefined>();
  #running: RunningProcess;
  #timeline = new Timeline();
  #course = new Course();
  #qmp: QmpClient | undefined;
  #plugged = false;
  #up = false;
  /** Whether QEMU ends because its guest restarts. */
  #restarts = false;

  private constructor(bench: Bench, request: PowerRequest) {
    const { world } = bench;
    this.#bench = bench;
    this.#request = request;
    this.#clock = world.clock;
    this.console = new SerialConsole({
      clock: world.clock,
      signal: world.signal,
      silenceMs: machineLimits[request.machine].silenceMs,
      log: request.log,
      timestamps: true,
      send: (text) => this.#running.write(text),
      onLine: (line, at) => {
        this.#up ||= UP.test(line);
        request.onLine?.(line);
        this.timeline.line(line, at);
        this.#course.line(line);
      },
      onUnfinished: (line, at) => {
        this.timeline.unfinished(line, at);
        this.#course.unfinished(line);
      },
    });
    this.#running = this.#start();
  }

  /** Starts QEMU and connects to its control socket. @throws EmulatorError QEMU, QMP */
  static async on(bench: Bench, request: PowerRequest): Promise<PoweredMachine> {
    const machine = new PoweredMachine(bench, request);
    const enough = new AbortController();
    const signal = AbortSignal.any([bench.world.signal, enough.signal]);
    const died = machine.exited.then(() =>
      machine.console.waitFor({ what: "its control socket", timeoutMs: 0, look: (): undefined => undefined }),
    );
    died.catch(() => undefined);
    try {
      const connected = machine.#connect(signal);
      connected.catch(() => undefined);
      machine.#qmp = await Promise.race([connected, died]);
      return machine;
    } catch (error) {
      await machine.#running.stop();
      throw error;
    } finally {
      enough.abort();
    }
  }

  /** Resolves with QEMU's exit code when the machine is off; a restart is none. */
  get exited(): Promise<number | undefined> {
    return this.#end.promise;
  }

  #start(): RunningProcess {
    const { tools, world, work } = this.#bench;
    const { socketFolder, onData } = this.#request;
    const command = tools.command(machineCommand(this.#request), {
      binds: [{ source: work }, { source: socketFolder }],
      cwd: work,
      timeoutMs: Number.POSITIVE_INFINITY,
      signal: world.signal,
    });
    const running = world.processes.start(command, (chunk) => {
      onData?.(chunk);
      this.console.push(chunk);
    });
    void running.exited.then((code) => this.#gone(code));
    return running;
  }

  #connect(signal: AbortSignal): Promise<QmpClient> {
    return QmpClient.connect(this.#request.qmpSocket, this.#clock, signal, (event, reason) => {
      this.#restarts ||= event === "SHUTDOWN" && reason?.endsWith("reset") === true;
    });
  }

  async #gone(code: number | undefined): Promise<void> {
    // What it said last may still be on its way to us.
    await this.#qmp?.closed;
    this.#qmp = undefined;
    if (this.#restarts) {
      [this.#restarts, this.#plugged, this.#up] = [false, false, false];
      this.#running = this.#start();
      this.#qmp = await this.#connect(this.#bench.world.signal).catch(() => undefined);
      if (this.#qmp === undefined) await this.#running.stop();
      return;
    }
    this.console.end(code);
    this.#end.resolve(code);
  }

  /** Whether Linux came up since QEMU was started. */
  get up(): boolean {
    return this.#up;
  }

  /** What was seen since power-on, or since the last reset. */
  get timeline(): Timeline {
    return this.#timeline;
  }

  /** The same as a list of events, those included that end no boot. */
  get course(): Course {
    return this.#course;
  }

  /** Types bytes into the serial line as they are. */
  type(bytes: Uint8Array): void {
    this.#running.write(bytes);
  }

  /** Holds the guest still: it neither runs nor writes, and the card may be changed until the next reset. */
  async pause(): Promise<void> {
    await this.#execute("stop");
    // What it had said before may still be on its way to us.
    await this.#clock.sleep(PAUSE_MS);
  }

  /** Presses reset, and lets a paused guest run. What was seen before, a panic too, counts no more. */
  async reset(): Promise<void> {
    await this.#execute("system_reset");
    this.console.beginAgain();
    this.#timeline = new Timeline();
    this.#course = new Course();
    if (!endsOnRestart(this.#request)) await this.#execute("cont");
  }

  async #execute(command: string): Promise<void> {
    if (this.#qmp === undefined) throw new EmulatorError("QMP", `the machine is not on: ${command}`);
    await this.#qmp.execute(command);
  }

  /** Plugs the network in where the machine cannot have it from the start, once in each of them. Linux must be up. */
  async plugNetwork(): Promise<void> {
    const plug = networkHotPlug(this.#request.machine);
    if (plug === undefined || this.#plugged || this.#qmp === undefined) return;
    this.#plugged = true;
    await this.#qmp.deviceAdd(plug.arguments);
  }

  /** Pulls the plug: the guest is not told, the disk image is closed in order. */
  async cut(): Promise<void> {
    // QEMU may be gone before its answer is.
    await this.#qmp?.quit().catch(() => undefined);
    this.#qmp?.close();
    const patience = new AbortController();
    const late = this.#clock.sleep(QUIT_MS, patience.signal).then(
      () => this.#running.stop(),
      () => undefined,
    );
    await this.exited;
    patience.abort();
    await late;
  }
}
