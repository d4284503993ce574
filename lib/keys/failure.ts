import { Failure } from "../failure.ts";

export type KeyCode =
  /** Not there: neither in the job's secrets nor in the folder. */
  | "MISSING"
  /** There, and it cannot be read, or what is read is no PEM of the kind. */
  | "UNREADABLE"
  /** A key, a certificate or a signature, and not the one that belongs here. */
  | "WRONG"
  | "EXPIRED"
  /** This machine's clock lies before anything was signed. */
  | "CLOCK"
  /** Others on this machine may read it. */
  | "EXPOSED"
  /** Would be overwritten. */
  | "EXISTS"
  /** The folder for it cannot be written. */
  | "UNWRITABLE"
  /** The public half is not in the project. */
  | "PUBLIC_MISSING";

/** What is wrong with a key, a certificate or a signature. Never tells anything of a private half. */
export class KeyError extends Failure<KeyCode> {
  readonly area = "keys";
}
