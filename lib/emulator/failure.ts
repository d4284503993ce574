import { Failure } from "../failure.ts";

export type EmulatorCode =
  /** Not a disk image with the layout of the disk contract, or a file on its first partition is missing. */
  | "IMAGE"
  /** A boot state that does not fit into a copy. */
  | "STATE"
  /** A card under test could not be changed as asked: the file is not there, the slot is full. */
  | "CARD"
  /** QEMU ended before we ended it. */
  | "QEMU"
  /** QEMU's control socket did not answer, or refused a command. */
  | "QMP"
  | "PANIC"
  | "EMERGENCY"
  /** U-Boot stopped at its prompt. */
  | "BOOTLOADER"
  /** Nothing on the serial line for too long. */
  | "SILENCE"
  /** The line is alive, but what was waited for did not come. */
  | "DEADLINE"
  /** Every report line seen was torn. */
  | "REPORT_DAMAGED"
  /** A report whose digest is right and whose content is not what we know. */
  | "REPORT_SCHEMA"
  /** The profile to boot has no built image. */
  | "NO_BUILD"
  /** The node reported, and not all is as it should be. */
  | "CHECKS";

export class EmulatorError extends Failure<EmulatorCode> {
  readonly area = "emulator";
}
