import type { MachineName } from "./machine.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const GIB = 1024 ** 3;

/** Size of the emulated card: QEMU's SD model wants a power of two. */
export const CARD_BYTES = 8 * GIB;

/** Lines of the console shown with a failure. */
export const TAIL_LINES = 40;

/** How long the line is still read after a panic, so that its trace is in the log. */
export const FATAL_SETTLE_MS = 2 * SECOND_MS;

/** Copying or unpacking the image. */
export const COPY_MS = 10 * MINUTE_MS;
/** One run of mtools, fdtput or ssh-keygen. */
export const TOOL_MS = MINUTE_MS;

export const QMP_CONNECT_MS = 30 * SECOND_MS;
export const QMP_ANSWER_MS = 30 * SECOND_MS;
/** From QMP's `quit` to the end of the process. */
export const QUIT_MS = 20 * SECOND_MS;

/** From QMP's `stop` until the last bytes of the serial line have been read. */
export const PAUSE_MS = 50;

export interface MachineLimits {
  /** From power-on to the login prompt. */
  readonly loginMs: number;
  /** From the login prompt to the report: it waits for a settled boot, at most 120 s in the guest. */
  readonly reportMs: number;
  /** Longest time without one byte on the line; U-Boot reads the SD card in silence. */
  readonly silenceMs: number;
  /** From the report to the first answer of sshd: DHCP, host keys, a slow handshake. */
  readonly networkMs: number;
  /** One ssh command. */
  readonly sshMs: number;
}

/** Measured on two quiet cores: raspi3b 146 s to login, virt 61 s. Twice as long on a loaded machine. */
export const machineLimits: Readonly<Record<MachineName, MachineLimits>> = {
  raspi3b: {
    loginMs: 10 * MINUTE_MS,
    reportMs: 6 * MINUTE_MS,
    silenceMs: 4 * MINUTE_MS,
    networkMs: 5 * MINUTE_MS,
    sshMs: 90 * SECOND_MS,
  },
  virt: {
    loginMs: 5 * MINUTE_MS,
    reportMs: 5 * MINUTE_MS,
    silenceMs: 3 * MINUTE_MS,
    networkMs: 3 * MINUTE_MS,
    sshMs: 60 * SECOND_MS,
  },
};
