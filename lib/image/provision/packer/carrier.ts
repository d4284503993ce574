import { rm, rmdir } from "node:fs/promises";
import type { World } from "../../../external/world.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const TIMEOUT_MS = 60_000;

/** Where the image's one partition begins, in bytes, as in the template: sector 2048. */
export const PARTITION_OFFSET = 1 * MIB;

/**
 * Size of the image for a base of so many bytes: room for as much again, twice, and for the file system
 * itself. The file has holes, so this costs nothing where it is not used.
 */
export function carrierBytes(baseBytes: number): number {
  return Math.ceil((3 * baseBytes + 2 * GIB) / MIB) * MIB;
}

/**
 * Removes the image and the loop devices that still stand on it: packer leaves both when it fails or is
 * killed. Nothing of another build is touched, for only its own file is asked for.
 */
export async function removeCarrier(image: string, world: World): Promise<void> {
  // The cleaning up after an interruption must not be interrupted by the same signal.
  const losetup = (...args: readonly string[]): Promise<{ stdout: string }> =>
    world.processes.run({ argv: ["losetup", ...args], timeoutMs: TIMEOUT_MS, accept: [0, 1] });
  const { stdout } = await losetup("--noheadings", "--output", "NAME", "--associated", image);
  for (const device of stdout.split("\n").filter((line) => line.trim() !== "")) {
    await losetup("--detach", device.trim());
  }
  await rm(image, { force: true });
}

/**
 * Removes the folder the image was mounted on, which the plugin leaves when it is ended before its own cleaning
 * up. Only an empty one: its mount was in a name space that is gone, and what is in a folder is somebody's.
 */
export async function removeMountPoint(path: string): Promise<void> {
  await rmdir(path).catch(() => undefined);
}
