export interface PartitionEntry {
  /** Bytes from the start of the disk. */
  readonly offset: number;
  readonly bytes: number;
  /** MBR type: 0x0c FAT, 0x83 Linux. */
  readonly type: number;
}

const SECTOR_BYTES = 512;
const TABLE_OFFSET = 446;
const ENTRY_BYTES = 16;

/** The four primary entries of an MBR, unused ones undefined; undefined altogether without its signature. */
export function readPartitionTable(sector: Uint8Array): (PartitionEntry | undefined)[] | undefined {
  if (sector.length < SECTOR_BYTES || sector[510] !== 0x55 || sector[511] !== 0xaa) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  return [0, 1, 2, 3].map((index) => {
    const at = TABLE_OFFSET + index * ENTRY_BYTES;
    const type = view.getUint8(at + 4);
    if (type === 0) return undefined;
    const offset = view.getUint32(at + 8, true) * SECTOR_BYTES;
    return { offset, bytes: view.getUint32(at + 12, true) * SECTOR_BYTES, type };
  });
}
