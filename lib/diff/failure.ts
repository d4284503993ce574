import { Failure } from "../failure.ts";

export type DiffCode =
  /** Absent, or neither .img nor .img.zst. */
  | "IMAGE"
  /** Its first sector is no partition table with p1 and slot A. */
  | "LAYOUT"
  /** The tools cannot read a file system of it, or read less than it says it holds. */
  | "FILE_SYSTEM"
  /** A bill of materials is none, or none of ours. */
  | "BILL"
  /** The image of a build that is known is no longer in any cache. */
  | "GONE";

export class DiffError extends Failure<DiffCode> {
  readonly area = "diff";
}
