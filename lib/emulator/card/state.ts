import { readRange, writeRange } from "../../external/ranges.ts";
import { BOOT_STATE_BYTES, BOOT_STATE_OFFSETS, encodeBootState } from "../boot-state.ts";
import type { Disk } from "../disk.ts";

/** Which of the two copies of the boot state: the first is written first and counts first. */
export type Copy = 0 | 1;

/** Writes one copy: values with their checksum, or bytes as they are. The machine must be off or paused. */
export async function writeBootState(
  disk: Disk,
  copy: Copy,
  content: Uint8Array | Readonly<Record<string, string>>,
): Promise<void> {
  const bytes = content instanceof Uint8Array ? content : encodeBootState(content);
  await writeRange(disk.path, BOOT_STATE_OFFSETS[copy], bytes);
}

/** The 512 bytes of one copy, valid or not. */
export function readBootStateBytes(disk: Disk, copy: Copy): Promise<Uint8Array> {
  return readRange(disk.path, BOOT_STATE_OFFSETS[copy], BOOT_STATE_BYTES);
}

/** What a write leaves that was cut after `at` bytes: the new begins, the old goes on. */
export function tear(old: Uint8Array, next: Uint8Array, at: number): Uint8Array {
  const torn = new Uint8Array(old);
  torn.set(next.subarray(0, at));
  return torn;
}
