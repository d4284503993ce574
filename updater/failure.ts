import { Failure } from "../lib/failure.ts";

export type UpdaterCode =
  | "CONFIG"
  | "IMAGE"
  | "STATE"
  | "CLOCK"
  | "CHANNEL"
  | "VERSION"
  | "RAUC"
  | "BUSY"
  | "STREAM"
  | "DOWNLOAD"
  | "SPACE"
  | "READ_BACK"
  | "UNCOMMITTED"
  | "NOTHING";

/** Why the updater of a node could not do what it set out to do. The node itself runs on. */
export class UpdaterError extends Failure<UpdaterCode> {
  readonly area = "updater";
}
