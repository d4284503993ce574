import { type ChildProcess, spawn as spawnProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Failure, type FailureOptions } from "../failure.ts";
import { type Exhaustion, exhaustionIn } from "./exhaustion.ts";
import { OutputTail, tailOf } from "./output-tail.ts";

export type ProcessCode = "NOT_FOUND" | "EXIT" | "TIMEOUT" | "INTERRUPTED";

interface ProcessErrorOptions extends FailureOptions {
  readonly exitCode?: number;
  readonly signal?: NodeJS.Signals | undefined;
  readonly exhaustion?: Exhaustion | undefined;
}

export class ProcessError extends Failure<ProcessCode> {
  readonly area = "process";
  readonly exitCode: number | undefined;
  /** Ended by SIGKILL, which the kernel sends when memory runs out: itself or what it ran (128 + 9). */
  readonly killed: boolean;
  /** What it said it ran out of, anywhere in its output. */
  readonly exhaustion: Exhaustion | undefined;

  constructor(code: ProcessCode, message: string, options: ProcessErrorOptions = {}) {
    super(code, message, options);
    this.exitCode = options.exitCode;
    this.killed = options.signal === "SIGKILL" || options.exitCode === 137;
    this.exhaustion = options.exhaustion;
  }
}

export type OutputStream = "stdout" | "stderr";

export interface Command {
  readonly argv: readonly [string, ...string[]];
  /** What messages call it, where argv[0] is only a wrapper around the program meant. */
  readonly name?: string;
  readonly cwd?: string;
  /** Added to a small fixed environment; the caller's own environment is not passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** File whose content becomes standard input. */
  readonly inputFile?: string;
  /** File that receives standard output; the result's stdout is then empty. */
  readonly outputFile?: string;
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL, when it is timed out or interrupted. Default: 8 s. */
  readonly graceMs?: number;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: string, stream: OutputStream) => void;
  /** A line after which it cannot succeed: it gets `graceMs` to end by itself, then it is ended and has failed. */
  readonly hopelessAt?: (line: string) => boolean;
  /** Exit codes that are answers, not errors. Default: only 0. */
  readonly accept?: readonly number[];
}

export interface ProcessResult {
  readonly exitCode: number;
  /** At most the last 8 MiB. */
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A program that runs beside us until it is stopped: QEMU, a server under test. */
export interface RunningProcess {
  readonly pid: number | undefined;
  readonly exited: Promise<number | undefined>;
  write(data: string | Uint8Array): void;
  /** SIGTERM to the process group, SIGKILL after `graceMs`. Resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
}

export interface Processes {
  run(command: Command): Promise<ProcessResult>;
  start(
    command: Omit<Command, "accept" | "timeoutMs" | "graceMs">,
    onData: (chunk: Buffer) => void,
  ): RunningProcess;
}

const KILL_GRACE_MS = 8_000;
const PROXY_NAMES = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

function environment(extra: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const inherited = process.env;
  const path = inherited.PATH ?? "";
  const proxies = PROXY_NAMES.flatMap((name) =>
    inherited[name] === undefined ? [] : [[name, inherited[name]]],
  );
  return {
    PATH: `${path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
    HOME: process.env.HOME ?? "/root",
    LANG: "C.UTF-8",
    ...Object.fromEntries(proxies),
    ...extra,
  };
}

/** Signals the whole group: what a tool started goes with it. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is already gone.
  }
}

async function endGroup(
  child: ChildProcess,
  exited: Promise<unknown>,
  graceMs = KILL_GRACE_MS,
): Promise<void> {
  signalGroup(child.pid, "SIGTERM");
  const timer = setTimeout(() => {
    signalGroup(child.pid, "SIGKILL");
    // Whoever left the group may still hold our pipes; without this the end would never come.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, graceMs);
  await exited;
  clearTimeout(timer);
  // What is left of the group ignored SIGTERM behind its leader's back.
  signalGroup(child.pid, "SIGKILL");
}

function spawn(
  command: Omit<Command, "accept" | "timeoutMs" | "graceMs">,
  interactive: boolean,
): ChildProcess {
  const [file, ...args] = command.argv;
  const input = command.inputFile === undefined ? undefined : openSync(command.inputFile, "r");
  const output = command.outputFile === undefined ? undefined : openSync(command.outputFile, "w");
  try {
    const child = spawnProcess(file, args, {
      env: environment(command.env),
      // A group of its own: Ctrl-C reaches us alone, and we decide in which order things end.
      detached: true,
      stdio: [
        input ?? (interactive || command.input !== undefined ? "pipe" : "ignore"),
        output ?? "pipe",
        "pipe",
      ],
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    });
    child.stdin?.on("error", () => undefined);
    if (!interactive) child.stdin?.end(command.input);
    return child;
  } finally {
    if (input !== undefined) closeSync(input);
    if (output !== undefined) closeSync(output);
  }
}

interface Exit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly error: Error | undefined;
}

/** Never rejects: a program that could not be started ends with `error`. */
function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: undefined, signal: undefined, error }));
    child.on("close", (code, signal) => {
      resolve({ code: code ?? undefined, signal: signal ?? undefined, error: undefined });
    });
  });
}

/** Splits a byte stream into lines; a line that never ends is cut at 1 MiB. */
export function lineSplitter(onLine: (line: string) => void): { push(chunk: Buffer): void; end(): void } {
  const decoder = new TextDecoder();
  let pending = "";
  return {
    push(chunk) {
      pending += decoder.decode(chunk, { stream: true });
      let newline = pending.indexOf("\n");
      while (newline >= 0) {
        onLine(pending.slice(0, newline).replace(/\r$/, ""));
        pending = pending.slice(newline + 1);
        newline = pending.indexOf("\n");
      }
      if (pending.length > 1024 * 1024) {
        onLine(pending);
        pending = "";
      }
    },
    end() {
      pending += decoder.decode();
      if (pending !== "") onLine(pending);
      pending = "";
    },
  };
}

/** Shells and namespaces hand a kill inside on as 128 and the signal's number. */
function endedWith(exitCode: number): string {
  const killed = exitCode === 137 ? ": killed, by somebody or by the kernel when memory ran out" : "";
  return `ended with ${exitCode}${killed}`;
}

async function run(command: Command): Promise<ProcessResult> {
  const name = command.name ?? command.argv[0];
  if (command.signal?.aborted) throw new ProcessError("INTERRUPTED", `${name} was not started: interrupted`);
  const started = performance.now();
  const child = spawn(command, false);
  const exited = exitOf(child);
  const output: Record<OutputStream, OutputTail> = { stdout: new OutputTail(), stderr: new OutputTail() };
  let ended: "timeout" | "interrupted" | "hopeless" | undefined;
  let giveUp: NodeJS.Timeout | undefined;
  const end = (why: "timeout" | "interrupted" | "hopeless"): void => {
    ended ??= why;
    void endGroup(child, exited, command.graceMs);
  };
  for (const stream of ["stdout", "stderr"] as const) {
    const lines = lineSplitter((line) => {
      command.onLine?.(line, stream);
      if (command.hopelessAt?.(line) === true)
        giveUp ??= setTimeout(() => end("hopeless"), command.graceMs ?? KILL_GRACE_MS);
    });
    child[stream]?.on("data", (chunk: Buffer) => {
      output[stream].push(chunk);
      if (command.onLine !== undefined || command.hopelessAt !== undefined) lines.push(chunk);
    });
    child[stream]?.on("end", () => lines.end());
  }
  const timer = setTimeout(() => end("timeout"), command.timeoutMs);
  const onAbort = (): void => end("interrupted");
  command.signal?.addEventListener("abort", onAbort, { once: true });
  const result = await exited;
  clearTimeout(timer);
  clearTimeout(giveUp);
  command.signal?.removeEventListener("abort", onAbort);
  const stdout = output.stdout.text();
  const stderr = output.stderr.text();
  const details = tailOf(stderr.trim() === "" ? stdout : stderr);
  if (ended === "interrupted") throw new ProcessError("INTERRUPTED", `${name} was interrupted`);
  if (ended === "timeout") {
    const seconds = Math.round(command.timeoutMs / 1000);
    throw new ProcessError("TIMEOUT", `${name} took longer than ${seconds} s`, { details });
  }
  if (result.error !== undefined) {
    throw new ProcessError("NOT_FOUND", `${name} could not be started`, { cause: result.error });
  }
  const exitCode = result.code ?? -1;
  const hopeless = ended === "hopeless";
  if (hopeless || !(command.accept ?? [0]).includes(exitCode)) {
    const how = result.signal === undefined ? endedWith(exitCode) : `was killed by ${result.signal}`;
    throw new ProcessError("EXIT", `${name} ${hopeless ? "could not succeed and was ended" : how}`, {
      details,
      exhaustion: exhaustionIn(`${stderr}\n${stdout}`),
      // How we ended it says nothing about the program.
      ...(hopeless ? {} : { exitCode, signal: result.signal }),
    });
  }
  return { exitCode, stdout, stderr, durationMs: performance.now() - started };
}

function start(
  command: Omit<Command, "accept" | "timeoutMs" | "graceMs">,
  onData: (chunk: Buffer) => void,
): RunningProcess {
  const child = spawn(command, true);
  child.stdout?.on("data", onData);
  child.stderr?.on("data", onData);
  const exited = exitOf(child).then((exit) => exit.code);
  const running: RunningProcess = {
    pid: child.pid,
    exited,
    write: (data) => void child.stdin?.write(data),
    stop: (graceMs) => endGroup(child, exited, graceMs),
  };
  const onAbort = (): void => void running.stop();
  command.signal?.addEventListener("abort", onAbort, { once: true });
  if (command.signal?.aborted === true) onAbort();
  void exited.then(() => command.signal?.removeEventListener("abort", onAbort));
  return running;
}

/** The real processes of this machine. */
export const processes: Processes = { run, start };
