import { Failure } from "../failure.ts";

export type ReleaseCode =
  | "VERSION"
  | "TREE"
  | "BUNDLE"
  | "NAME"
  | "TOO_LARGE"
  | "TOO_MANY"
  | "CONFLICT"
  | "DENIED"
  | "NOT_FOUND"
  | "UPLOAD"
  | "DIGEST"
  | "SERVER"
  | "STORE"
  | "DOCUMENT"
  | "WORKFLOW"
  | "INTERRUPTED";

/** What goes wrong on the way from built images to a published release. */
export class ReleaseError extends Failure<ReleaseCode> {
  readonly area = "release";
}
