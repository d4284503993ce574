import type { EmulatorCode } from "./failure.ts";
import { findReport, type Report } from "./report.ts";

/** Milliseconds from power-on; undefined where it was not seen. */
export interface Timings {
  readonly firmwareMs: number | undefined;
  readonly kernelMs: number | undefined;
  readonly loginMs: number | undefined;
  readonly reportMs: number | undefined;
}

export interface Fatal {
  readonly code: Extract<EmulatorCode, "PANIC" | "EMERGENCY" | "BOOTLOADER">;
  /** The line that says so. */
  readonly line: string;
}

// On raspi3b the banner goes to the other serial line; the list of consoles comes once per start on both.
const BANNER = /^U-Boot 20\d\d\.\d\d/;
/** U-Boot began, the first time or again. */
export const START = /^In: +\S/;
const KERNEL = /^Starting kernel|\bBooting Linux on physical CPU\b/;
/** The login prompt, which ends no line. */
export const LOGIN = /(^|\s)[a-z0-9-]+ login: *$/i;
const FATAL: readonly (readonly [Fatal["code"], RegExp])[] = [
  ["PANIC", /\bKernel panic\b|\bOops\b/],
  ["EMERGENCY", /You are in (emergency|rescue) mode|^\(initramfs\)|Give root password/],
];
const BOOTLOADER_PROMPT = /^(U-Boot>|=>) *$/;

/** What a line says about a boot that cannot succeed any more; `unfinished` lines may be prompts. */
export function fatalIn(line: string, unfinished = false): Fatal | undefined {
  for (const [code, pattern] of FATAL) if (pattern.test(line)) return { code, line };
  // A prompt is only one while nothing follows it: finished, it is the echo of a command.
  if (unfinished && BOOTLOADER_PROMPT.test(line)) return { code: "BOOTLOADER", line };
  return undefined;
}

/** Follows one boot by the lines of its console: when it was where, how often it began anew, its report. */
export class Timeline {
  #firmwareMs: number | undefined;
  #kernelMs: number | undefined;
  #loginMs: number | undefined;
  #reportMs: number | undefined;
  #starts = 0;
  #damagedReports = 0;
  report: Report | undefined;

  /** Times the machine started, the first included. More than 1: it reset by itself. */
  get starts(): number {
    return this.#starts;
  }

  /** Report lines whose digest did not fit. */
  get damagedReports(): number {
    return this.#damagedReports;
  }

  get timings(): Timings {
    return {
      firmwareMs: this.#firmwareMs,
      kernelMs: this.#kernelMs,
      loginMs: this.#loginMs,
      reportMs: this.#reportMs,
    };
  }

  /** The stage the boot is in, for progress and messages. */
  get stage(): "power-on" | "U-Boot" | "kernel" | "login" | "report" {
    if (this.#reportMs !== undefined) return "report";
    if (this.#loginMs !== undefined) return "login";
    if (this.#kernelMs !== undefined) return "kernel";
    return this.#firmwareMs === undefined ? "power-on" : "U-Boot";
  }

  /** @throws EmulatorError REPORT_SCHEMA */
  line(line: string, atMs: number): void {
    const start = START.test(line);
    if (start) this.#starts += 1;
    if (start || BANNER.test(line)) this.#firmwareMs ??= atMs;
    if (KERNEL.test(line)) this.#kernelMs ??= atMs;
    this.unfinished(line, atMs);
    if (this.report !== undefined) return;
    const found = findReport(line);
    if (found === "damaged") this.#damagedReports += 1;
    else if (found !== undefined) {
      this.report = found;
      this.#reportMs = atMs;
    }
  }

  /** A prompt has no newline; it may also get one from the next message. */
  unfinished(line: string, atMs: number): void {
    if (LOGIN.test(line)) this.#loginMs ??= atMs;
  }
}
