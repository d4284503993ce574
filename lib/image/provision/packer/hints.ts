import type { RunCode } from "./failure.ts";

/** What the reader can do, by how the run ended. */
export const HINTS: Readonly<Record<RunCode, string>> = {
  TEMPLATE: "mend the template at the place named; `packer validate` checks it without building",
  VARIABLE:
    "the template and the program that calls it name different variables: compare `variable` blocks and -var",
  CONFIGURATION: "mend the value named; the attributes are described in the arm plugin's README",
  PLUGIN_MISSING: "install the arm plugin again: ./pi clean, then ./pi build --builder packer",
  BASE_DIGEST:
    "the base changed after its digest was taken: ./pi clean, or correct base.sha256 in cluster.yaml",
  BASE_UNREADABLE: "check that the base's file exists and can be read by root",
  BINFMT: "no registered interpreter runs arm64 programs: ./pi doctor says what to install",
  PARTITION_DEVICE: "the kernel made no device for the partition: load the loop module with max_part=15",
  NO_SPACE:
    "what the playbook adds does not fit on the image made for it: let it add less, or put packages into the base",
  TASK: "mend the task named; ./pi build --verbose shows the whole playbook's output",
  TARGET_PYTHON:
    "the base's Python lacks modules of the standard library: build without --plain, or add python3 to it",
  PLAYBOOK: "mend the playbook at the place named: it did not get as far as running a task",
  PROVISION: "./pi build --verbose shows everything the playbook printed",
  BUILDER: "./pi build --verbose shows the whole output of packer",
  CANCELLED: "run it again",
  KILLED: "something killed packer, often for lack of memory: see `dmesg | tail`; then run it again",
  NO_ARTIFACT: "packer ended well but made no image; try ./pi build --builder chroot, and report this",
  UNEXPLAINED: "./pi build --verbose shows the whole output of packer",
};
