import { Failure } from "../failure.ts";

export type RehearsalCode =
  /** A slot could not be edited. */
  | "SLOT"
  /** The node does not answer, or does not do what it is waited for. */
  | "NODE"
  /** What the demonstration shows is not what was promised. */
  | "VERDICT";

export class RehearsalError extends Failure<RehearsalCode> {
  readonly area = "rehearsal";
}
