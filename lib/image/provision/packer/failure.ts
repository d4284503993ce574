import { Failure } from "../../../failure.ts";

/** What can end a run of packer; every one has a sentence on what to do in hints.ts. */
export type RunCode =
  | "TEMPLATE"
  | "VARIABLE"
  | "CONFIGURATION"
  | "PLUGIN_MISSING"
  | "BASE_DIGEST"
  | "BASE_UNREADABLE"
  | "BINFMT"
  | "PARTITION_DEVICE"
  | "NO_SPACE"
  | "TASK"
  | "TARGET_PYTHON"
  | "PLAYBOOK"
  | "PROVISION"
  | "BUILDER"
  | "CANCELLED"
  | "KILLED"
  | "NO_ARTIFACT"
  | "UNEXPLAINED";

/** What can go wrong before or after it runs. */
export type InstallCode = "PINS" | "UNKNOWN_HOST" | "NOT_PINNED" | "ARCHIVE" | "INSTALLATION";

export type PackerCode = RunCode | InstallCode;

export class PackerError extends Failure<PackerCode> {
  readonly area = "packer";
}
