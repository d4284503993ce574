/** The disk contract in numbers. It cannot change on a card that is already flashed. Units: 512-byte sectors. */
export const SECTOR = 512;
const MIB = 2048;

export const layout = {
  /** Where the two copies of the boot state lie, one sector each. */
  stateSectors: [16, 8192],
  /** FAT: firmware, U-Boot, boot script. As much space behind it stays free for replacing it in one step. */
  boot: { start: 8 * MIB, size: 256 * MIB, type: "c" },
  slotA: { start: 520 * MIB, size: 2048 * MIB, type: "83" },
  slotB: { start: 2568 * MIB, size: 2048 * MIB, type: "83" },
  /** Lengthened to the end of the card on the first boot. */
  data: { start: 4616 * MIB, size: 1024 * MIB, type: "83" },
  /** All cards carry the same ids; the running system goes by the disk it was started from. */
  diskId: "0x50693031",
} as const;

/** Largest slot file system that is accepted, in bytes: nine tenths of the slot. */
export const LARGEST_SLOT_BYTES = Math.floor(0.9 * layout.slotA.size * SECTOR);

/** sfdisk's script for the table: four primaries, all there from the start. */
export function partitionScript(): string {
  const partitions = [layout.boot, layout.slotA, layout.slotB, layout.data];
  return [
    "label: dos",
    `label-id: ${layout.diskId}`,
    "unit: sectors",
    "",
    ...partitions.map(
      ({ start, size, type }, index) =>
        `start=${start}, size=${size}, type=${type}${index === 0 ? ", bootable" : ""}`,
    ),
    "",
  ].join("\n");
}
