const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Editing, hashing or compressing one slot, in milliseconds. */
export const EDIT_MS = 5 * MINUTE;

/** The images of edited releases are for this machine only: quick to make, in zstd's levels. */
export const QUICK_LEVEL = 1;

/** Between two looks at a node, in milliseconds. */
export const LOOK_MS = 5 * SECOND;

/** One command on a node, in milliseconds. */
export const COMMAND_MS = 5 * MINUTE;

/** From power-on to the first answer of sshd, in milliseconds. */
export const REACH_MS: Readonly<Record<"virt" | "raspi3b", number>> = {
  virt: 6 * MINUTE,
  raspi3b: 15 * MINUTE,
};

/** Download, writing and reading back of an update, in milliseconds. */
export const INSTALL_MS: Readonly<Record<"virt" | "raspi3b", number>> = {
  virt: 20 * MINUTE,
  raspi3b: 60 * MINUTE,
};

/** From a restart until the build that came up is judged, all its attempts included, in milliseconds. */
export const TRIAL_MS: Readonly<Record<"virt" | "raspi3b", number>> = {
  virt: 25 * MINUTE,
  raspi3b: 60 * MINUTE,
};

/** QEMU's user network: this machine, as its guests see it. */
export const HOST_FROM_GUEST = "10.0.2.2";
