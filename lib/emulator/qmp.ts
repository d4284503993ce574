import { z } from "zod";
import type { Clock } from "../external/clock.ts";
import { connectUnixLines, type LineConnection } from "../external/socket.ts";
import { EmulatorError } from "./failure.ts";
import { QMP_ANSWER_MS, QMP_CONNECT_MS } from "./limits.ts";

export interface QmpLimits {
  readonly connectMs: number;
  readonly answerMs: number;
}

const messageSchema = z.union([
  z.object({ QMP: z.object({}) }).transform(() => ({ kind: "greeting" as const })),
  z
    .object({ event: z.string(), data: z.object({ reason: z.string().optional() }).optional() })
    .transform(({ event, data }) => ({ kind: "event" as const, event, reason: data?.reason })),
  z
    .object({ return: z.unknown(), id: z.number() })
    .transform((answer) => ({ kind: "return" as const, id: answer.id, value: answer.return })),
  z
    .object({ error: z.object({ class: z.string(), desc: z.string() }), id: z.number() })
    .transform(({ error, id }) => ({ kind: "error" as const, id, text: `${error.class}: ${error.desc}` })),
]);

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: EmulatorError) => void;
}

const RETRY_MS = 50;

export type OnEvent = (name: string, reason: string | undefined) => void;

/** QEMU's control socket (QMP): commands one at a time or many, each with a deadline; events are told. */
export class QmpClient {
  readonly #clock: Clock;
  readonly #limits: QmpLimits;
  readonly #onEvent: OnEvent;
  readonly #closed = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #greeting = Promise.withResolvers<void>();
  #connection: LineConnection | undefined;
  #lastId = 0;
  #gone = false;

  private constructor(clock: Clock, limits: QmpLimits, onEvent: OnEvent) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onEvent = onEvent;
  }

  /**
   * Connects as soon as QEMU listens, and agrees on capabilities; `signal` ends the waiting. `onEvent` is told the name
   * and the reason of each event, as QEMU's QMP reference has them.
   * @throws EmulatorError QMP
   */
  static async connect(
    path: string,
    clock: Clock,
    signal: AbortSignal,
    onEvent: OnEvent = () => undefined,
    limits: QmpLimits = { connectMs: QMP_CONNECT_MS, answerMs: QMP_ANSWER_MS },
  ): Promise<QmpClient> {
    const client = new QmpClient(clock, limits, onEvent);
    const connection = await client.#open(path, clock.now() + limits.connectMs, signal);
    client.#connection = connection;
    void connection.closed.then(() => client.#lost());
    try {
      await client.#within(client.#greeting.promise, "its greeting", limits.connectMs);
      await client.execute("qmp_capabilities");
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** Resolves when QEMU has closed its end: every event was told by then. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#gone)
      throw new EmulatorError("QMP", `QEMU's control socket is closed: ${command} was not sent`);
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#connection?.send(JSON.stringify({ execute: command, ...(args && { arguments: args }), id }));
    try {
      return await this.#within(answer, `the answer to ${command}`, this.#limits.answerMs);
    } finally {
      this.#waiting.delete(id);
    }
  }

  deviceAdd(args: Readonly<Record<string, string>>): Promise<unknown> {
    return this.execute("device_add", args);
  }

  systemReset(): Promise<unknown> {
    return this.execute("system_reset");
  }

  /** Ends QEMU; its disk is closed in order, the guest notices nothing: a power cut. */
  quit(): Promise<unknown> {
    return this.execute("quit");
  }

  close(): void {
    this.#connection?.close();
  }

  async #open(path: string, until: number, signal: AbortSignal): Promise<LineConnection> {
    for (;;) {
      try {
        return await connectUnixLines(path, (line) => this.#line(line));
      } catch (error) {
        if (this.#clock.now() >= until) {
          const seconds = Math.round(this.#limits.connectMs / 1000);
          throw new EmulatorError("QMP", `QEMU's control socket did not open within ${seconds} s: ${path}`, {
            cause: error,
          });
        }
        await this.#clock.sleep(RETRY_MS, signal);
      }
    }
  }

  #line(line: string): void {
    const message = parse(line);
    if (message === undefined) return;
    if (message.kind === "event") {
      this.#onEvent(message.event, message.reason);
      return;
    }
    if (message.kind === "greeting") {
      this.#greeting.resolve();
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (message.kind === "return") waiting?.resolve(message.value);
    else waiting?.reject(new EmulatorError("QMP", `QEMU refused a command: ${message.text}`));
  }

  #lost(): void {
    this.#gone = true;
    this.#closed.resolve();
    const error = new EmulatorError("QMP", "QEMU closed its control socket");
    this.#greeting.promise.catch(() => undefined);
    this.#greeting.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }

  async #within<T>(promise: Promise<T>, what: string, ms: number): Promise<T> {
    const done = new AbortController();
    const late = this.#clock.sleep(ms, done.signal).then(
      () => {
        throw new EmulatorError("QMP", `QEMU's control socket gave nothing for ${ms} ms: ${what} is missing`);
      },
      // Cancelled, because the answer came.
      () => promise,
    );
    try {
      return await Promise.race([promise, late]);
    } finally {
      done.abort();
      late.catch(() => undefined);
    }
  }
}

type Message = z.infer<typeof messageSchema>;

function parse(line: string): Message | undefined {
  try {
    return messageSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
