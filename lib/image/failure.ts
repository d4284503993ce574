import { Failure } from "../failure.ts";

export type ImageCode =
  | "PREFLIGHT"
  | "TOOLS"
  | "ARCHIVE"
  | "BASE"
  | "BASE_DIGEST"
  | "PROVISION"
  | "PACKER"
  | "ASSEMBLE"
  | "BOARD"
  | "SLOT_TOO_LARGE"
  | "CACHE"
  | "NO_SPACE"
  | "READ_ONLY"
  | "NO_MEMORY";

export class ImageError extends Failure<ImageCode> {
  readonly area = "image";
}
