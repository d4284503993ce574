/** struct of_device_id of a 64-bit kernel: name[32], type[32], compatible[128], data pointer. */
const BEFORE = 64;
const COMPATIBLE = 128;
const ALIGNMENT = 8;

/**
 * Whether an unpacked kernel has a table entry (struct of_device_id) for a compatible. Such tables are how
 * drivers, interrupt controllers, clocks and timers that are built in say what they serve; modules.builtin.modinfo
 * does not list them before Linux 6.18. The string alone would prove nothing, since code also compares
 * compatibles of devices it does not drive: only one with the zeros around it that the struct has, at the
 * struct's alignment, counts.
 */
export function hasTableEntry(kernel: Buffer, compatible: string): boolean {
  const wanted = Buffer.from(`${compatible}\0`, "latin1");
  for (let at = kernel.indexOf(wanted); at >= 0; at = kernel.indexOf(wanted, at + 1)) {
    const start = at - BEFORE;
    if (start < 0 || start % ALIGNMENT !== 0) continue;
    const zeros = [kernel.subarray(start, at), kernel.subarray(at + wanted.length, at + COMPATIBLE)];
    if (zeros.every((bytes) => bytes.every((byte) => byte === 0))) return true;
  }
  return false;
}
