import { Failure } from "../failure.ts";

export type ManifestCode =
  | "FILE"
  | "ABSENT"
  | "EXPIRED"
  | "ROLLBACK"
  | "ROOT"
  | "NO_KEY"
  | "WRONG_KEY"
  | "RELEASE"
  | "VERSION"
  | "PENDING"
  | "HOME"
  | "UNREACHABLE"
  | "REMOTE_MOVED"
  | "INTERRUPTED";

/** What goes wrong with the update manifest: its files, its keys, the place it lies in. */
export class ManifestError extends Failure<ManifestCode> {
  readonly area = "manifest";
}
