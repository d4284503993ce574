import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { waitForReport } from "../../../lib/emulator/await-report.ts";
import type { BootResult } from "../../../lib/emulator/boot.ts";
import { encodeBootState } from "../../../lib/emulator/boot-state.ts";
import { shortened } from "../../../lib/emulator/card/p1.ts";
import { checkLayout } from "../../../lib/emulator/disk.ts";
import { type EmulatorCode, EmulatorError } from "../../../lib/emulator/failure.ts";
import { findBuiltImage } from "../../../lib/emulator/find-image.ts";
import { QmpClient } from "../../../lib/emulator/qmp.ts";
import { findReport, formatReport } from "../../../lib/emulator/report.ts";
import { Timeline } from "../../../lib/emulator/timeline.ts";
import { checksError } from "../../../lib/emulator/verdict.ts";
import { describeFailure } from "../../../lib/failure.ts";
import { SILENCE_MS, seat } from "./console-fixture.ts";
import { ManualClock } from "./manual-clock.ts";

const MINUTE_MS = 60_000;

/** A wait for the login prompt during which `text` arrives, then nothing for `thenMs`. */
async function waiting(text: string, thenMs: number, ended?: number): Promise<unknown> {
  const { console, clock, say } = seat();
  const wait = console.waitForText(/login: $/, "the login prompt", 2 * MINUTE_MS);
  const outcome = wait.catch((error: unknown) => error);
  say(text);
  if (ended !== undefined) console.end(ended);
  await clock.advance(thenMs);
  throw await outcome;
}

async function deadline(): Promise<unknown> {
  const { console, clock, say } = seat();
  const outcome = console
    .waitForText(/login: $/, "the login prompt", 2 * MINUTE_MS)
    .catch((error: unknown) => error);
  for (let at = 0; at < 13; at += 1) {
    say(`[ ${at} ] A start job is running for /dev/disk/pi/data\r\n`);
    await clock.advance(10_000);
  }
  throw await outcome;
}

async function damaged(): Promise<unknown> {
  const { console, clock, say } = seat();
  const timeline = new Timeline();
  timeline.line("home-pi login: ", 1);
  const torn = formatReport("{}").replace("{}", "{[  9.1] usb 1-1: new device}");
  const outcome = waitForReport({ console, timeline }, "virt", () => undefined).catch(
    (error: unknown) => error,
  );
  say(`${torn}\r\n`);
  timeline.line(torn, 2);
  await clock.advance(SILENCE_MS);
  throw await outcome;
}

async function noSocket(): Promise<unknown> {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const limits = { connectMs: 30_000, answerMs: 1_000 };
  const outcome = QmpClient.connect("/nowhere/qmp.sock", clock, signal, () => undefined, limits).catch(
    (error: unknown) => error,
  );
  let done = false;
  void outcome.then(() => (done = true));
  while (!done) await clock.advance(5_000);
  throw await outcome;
}

async function noBuild(): Promise<unknown> {
  const cache = await mkdtemp(join(tmpdir(), "cache-"));
  try {
    return await findBuiltImage(cache, { cluster: "home", profile: "agent", board: "rpi-arm64" });
  } finally {
    await rm(cache, { recursive: true });
  }
}

const result: BootResult = {
  version: 1,
  ok: false,
  machine: "virt",
  image: "a.img",
  checks: [
    { name: "slot", ok: true, expected: "A", actual: "A" },
    { name: "marked good", ok: false, expected: "yes", actual: "no" },
  ],
  boots: [],
  consoleLog: "console.log",
};

/** One way into every code: the type asks for all of them. What a person then reads is written out. */
const cases: Record<EmulatorCode, [() => unknown, string[]]> = {
  IMAGE: [
    () => checkLayout("agent.img", Buffer.alloc(512)),
    ["agent.img has no partition table with four partitions"],
  ],
  STATE: [
    () => encodeBootState({ BOOT_ORDER: "A".repeat(600) }),
    ["a boot state of 613 bytes does not fit into 508"],
  ],
  CARD: [
    () => shortened(new Uint8Array(100), 200, "boot.scr"),
    ["boot.scr has 100 bytes and cannot be cut to 200, which is more"],
  ],
  QEMU: [
    () => waiting("qemu-system-aarch64: Could not open 'disk.img'\n", 0, 1),
    [
      "QEMU ended with 1 while waiting for the login prompt (0 s after power-on)",
      "  qemu-system-aarch64: Could not open 'disk.img'",
    ],
  ],
  QMP: [
    noSocket,
    [
      "QEMU's control socket did not open within 30 s: /nowhere/qmp.sock",
      "  cause: connect ENOENT /nowhere/qmp.sock",
    ],
  ],
  PANIC: [
    () => waiting("[ 4.1 ] Kernel panic - not syncing: No working init found.\r\nCPU: 0 PID: 1\r\n", 3_000),
    [
      "the kernel panicked: [ 4.1 ] Kernel panic - not syncing: No working init found. (0 s after power-on)",
      "  [ 4.1 ] Kernel panic - not syncing: No working init found.",
      "  CPU: 0 PID: 1",
    ],
  ],
  EMERGENCY: [
    () => waiting("ALERT! PARTUUID=686f6d65-02 does not exist.\r\n(initramfs) ", 3_000),
    [
      "the boot ended in an emergency shell: (initramfs) (0 s after power-on)",
      "  ALERT! PARTUUID=686f6d65-02 does not exist.",
      "  (initramfs) ",
    ],
  ],
  BOOTLOADER: [
    () => waiting("Hit any key to stop autoboot:  0\r\nU-Boot> ", 3_000),
    [
      "U-Boot stopped at its prompt: U-Boot> (0 s after power-on)",
      "  Hit any key to stop autoboot:  0",
      "  U-Boot> ",
    ],
  ],
  SILENCE: [
    () => waiting("Starting kernel ...\r\n", SILENCE_MS),
    [
      "nothing on the serial line for 60 s while waiting for the login prompt (60 s after power-on)",
      "  Starting kernel ...",
    ],
  ],
  DEADLINE: [
    deadline,
    [
      "waiting for the login prompt took longer than 120 s (120 s after power-on)",
      ...Array.from({ length: 12 }, (_, at) => `  [ ${at} ] A start job is running for /dev/disk/pi/data`),
    ],
  ],
  REPORT_DAMAGED: [
    damaged,
    [
      "1 report lines arrived, none of them whole",
      expect.stringMatching(/^ {2}HOME-PI-REPORT [0-9a-f]{64} \{\[ {2}9\.1\] usb/) as string,
      "  cause: nothing on the serial line for 60 s while waiting for the node's report (60 s after power-on)",
    ],
  ],
  REPORT_SCHEMA: [
    () => findReport(formatReport("[]")),
    [
      "the node's report arrived whole but is not of the agreed form",
      "  report: Invalid input: expected object, received array",
      "  fix: mend what the node could not tell; where it is the form that differs, build the image again",
    ],
  ],
  NO_BUILD: [
    noBuild,
    [
      expect.stringMatching(
        /^profile agent was never built here: there is no .*home-agent-rpi-arm64\.json$/,
      ) as string,
      "  fix: ./pi build agent",
    ],
  ],
  CHECKS: [
    () => {
      throw checksError(result);
    },
    [
      "the node booted, but 1 of 2 checks failed",
      "  marked good: expected yes, found no",
      "  fix: see the console log: console.log",
    ],
  ],
};

describe("every way an emulated boot fails", () => {
  it.each(Object.entries(cases))("%s", async (code, [provoke, lines]) => {
    const error = await Promise.resolve()
      .then(provoke)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).toBeInstanceOf(EmulatorError);
    expect((error as EmulatorError).code).toBe(code);
    expect(describeFailure(error)).toEqual(lines);
  });
});
