import type { Clock } from "../external/clock.ts";
import { ProcessError } from "../external/process.ts";
import { ConsoleText } from "./console-text.ts";
import { type EmulatorCode, EmulatorError } from "./failure.ts";
import { FATAL_SETTLE_MS, TAIL_LINES } from "./limits.ts";
import { type Fatal, fatalIn } from "./timeline.ts";

export interface ConsoleOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Longest time without a byte while something is waited for, in ms. */
  readonly silenceMs: number;
  readonly log: (text: string | Uint8Array) => void;
  /** Lines in the log begin with the seconds since power-on; without it the log is byte for byte the line. */
  readonly timestamps: boolean;
  readonly send: (text: string) => void;
  readonly onLine?: (line: string, atMs: number) => void;
  /** The line that is not finished yet, after each piece that arrived. */
  readonly onUnfinished?: (line: string, atMs: number) => void;
}

interface Wait<T> {
  /** What is waited for, to be read after "waiting for". */
  readonly what: string;
  readonly timeoutMs: number;
  /** Asked after everything that arrives; the wait ends with the first answer. */
  readonly look: (console: SerialConsole) => T | undefined;
  /** What ends no wait, because the machine is to come back from it. */
  readonly despite?: readonly Fatal["code"][];
}

const FATAL_WORDS: Record<Fatal["code"], string> = {
  PANIC: "the kernel panicked",
  EMERGENCY: "the boot ended in an emergency shell",
  BOOTLOADER: "U-Boot stopped at its prompt",
};

/** The serial line of an emulated machine. Whoever owns the process pushes what arrives, always. */
export class SerialConsole {
  readonly #options: ConsoleOptions;
  readonly #started: number;
  readonly #text: ConsoleText;
  readonly #tail: string[] = [];
  readonly #watchers = new Set<(line: string) => void>();
  #lastByteAt: number;
  #fatals: (Fatal & { readonly atMs: number })[] = [];
  #problem: unknown;
  #ended: { readonly exitCode: number | undefined } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#started = options.clock.now();
    this.#lastByteAt = this.#started;
    this.#text = new ConsoleText((line) => this.#line(line));
  }

  /** The last lines, plain, the unfinished one included. */
  get tail(): readonly string[] {
    const pending = this.#text.pending;
    return (pending === "" ? this.#tail : [...this.#tail, pending]).slice(-TAIL_LINES);
  }

  get elapsedMs(): number {
    return this.#options.clock.now() - this.#started;
  }

  push(chunk: Uint8Array): void {
    this.#lastByteAt = this.#options.clock.now();
    if (!this.#options.timestamps) this.#options.log(chunk);
    this.#guard(() => {
      this.#text.push(chunk);
      const pending = this.#text.pending;
      this.#noteFatal(fatalIn(pending, true));
      this.#options.onUnfinished?.(pending, this.elapsedMs);
    });
    this.#wake();
  }

  /** The machine is gone. */
  end(exitCode: number | undefined): void {
    this.#guard(() => this.#text.end());
    this.#ended = { exitCode };
    this.#wake();
  }

  send(text: string): void {
    this.#options.send(text);
  }

  /** The machine was reset from outside: what went before, an unfinished line too, counts no more. */
  beginAgain(): void {
    this.#text.end();
    this.#fatals = [];
    this.#tail.length = 0;
    this.#lastByteAt = this.#options.clock.now();
  }

  /**
   * Waits until `look` finds what it wants.
   * @throws EmulatorError PANIC, EMERGENCY, BOOTLOADER, SILENCE, DEADLINE, QEMU, with the last 40 lines.
   */
  async waitFor<T>(wait: Wait<T>): Promise<T> {
    const { clock, silenceMs } = this.#options;
    const deadline = clock.now() + wait.timeoutMs;
    for (;;) {
      if (this.#problem !== undefined) throw this.#problem;
      const found = wait.look(this);
      if (found !== undefined) return found;
      const fatal = this.#fatals.find(({ code }) => wait.despite?.includes(code) !== true);
      if (fatal !== undefined) throw await this.#fatalError(fatal, fatal.atMs);
      if (this.#ended !== undefined) throw this.#endedError(wait.what);
      const now = clock.now();
      if (now >= deadline) {
        throw this.#error(
          "DEADLINE",
          `waiting for ${wait.what} took longer than ${seconds(wait.timeoutMs)} s`,
        );
      }
      if (now - this.#lastByteAt >= silenceMs) {
        const text = `nothing on the serial line for ${seconds(silenceMs)} s while waiting for ${wait.what}`;
        throw this.#error("SILENCE", text);
      }
      await this.#change(Math.min(deadline, this.#lastByteAt + silenceMs) - now);
    }
  }

  /** Waits for a line, finished or not, that matches; only what arrives after the call counts. */
  async waitForText(
    pattern: RegExp,
    what: string,
    timeoutMs: number,
    despite: readonly Fatal["code"][] = [],
  ): Promise<string> {
    let seen: string | undefined;
    const watch = (line: string): void => {
      if (seen === undefined && pattern.test(line)) seen = line;
    };
    this.#watchers.add(watch);
    try {
      const look = (): string | undefined => {
        watch(this.#text.pending);
        return seen;
      };
      return await this.waitFor({ what, timeoutMs, look, despite });
    } finally {
      this.#watchers.delete(watch);
    }
  }

  #line(line: string): void {
    const at = this.elapsedMs;
    if (this.#options.timestamps) this.#options.log(`${(at / 1000).toFixed(3).padStart(9)} ${line}\n`);
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    this.#noteFatal(fatalIn(line));
    for (const watch of this.#watchers) watch(line);
    this.#options.onLine?.(line, at);
  }

  /** A problem found while reading belongs to who waits, not to the stream it was read from. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#problem ??= error;
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  async #change(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    const time = clock.sleep(Math.max(1, ms), either).catch(() => undefined);
    await Promise.race([this.#changed.promise, time]);
    enough.abort();
    if (signal.aborted) throw new ProcessError("INTERRUPTED", "the boot was interrupted");
  }

  #noteFatal(fatal: Fatal | undefined): void {
    if (fatal === undefined || this.#fatals.some(({ code }) => code === fatal.code)) return;
    this.#fatals.push({ ...fatal, atMs: this.elapsedMs });
  }

  /** What follows a panic on the line is its trace, so it is read for a moment more. */
  async #fatalError(fatal: Fatal, atMs: number): Promise<EmulatorError> {
    while (this.#ended === undefined && this.elapsedMs < atMs + FATAL_SETTLE_MS) {
      await this.#change(atMs + FATAL_SETTLE_MS - this.elapsedMs);
    }
    return this.#error(fatal.code, `${FATAL_WORDS[fatal.code]}: ${fatal.line.trim()}`, atMs);
  }

  #endedError(what: string): EmulatorError {
    const code = this.#ended?.exitCode;
    const how = code === undefined ? "was killed or could not be started" : `ended with ${code}`;
    return this.#error("QEMU", `QEMU ${how} while waiting for ${what}`);
  }

  #error(code: EmulatorCode, message: string, atMs = this.elapsedMs): EmulatorError {
    const at = `${seconds(atMs)} s after power-on`;
    return new EmulatorError(code, `${message} (${at})`, { details: this.tail });
  }
}

function seconds(ms: number): string {
  return String(Math.round(ms / 1000));
}
