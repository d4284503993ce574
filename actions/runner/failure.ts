import { Failure } from "../../lib/failure.ts";

export type ActionCode =
  /** An input is missing, has a value that is not understood, or contradicts another. */
  | "INPUT"
  /** What the workflow checked out is not enough for what was asked. */
  | "CHECKOUT"
  /** The runner does not let us become root. */
  | "ROOT"
  /** The disk is too full, and nothing on it may be removed. */
  | "DISK"
  /** A release was to be published without all its builds. */
  | "BUILDS"
  /** The image took longer than it was given. */
  | "DEADLINE";

export class ActionError extends Failure<ActionCode> {
  readonly area = "action";
}
