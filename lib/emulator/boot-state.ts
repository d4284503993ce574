import { crc32 } from "node:zlib";

/** Both copies of the boot state on the disk, and their size in bytes. */
export const BOOT_STATE_OFFSETS = [16 * 512, 8192 * 512] as const;
export const BOOT_STATE_BYTES = 512;

/** Names and values of one copy; undefined where its checksum is wrong. */
export type BootState = Readonly<Record<string, string>> | undefined;

/** Reads U-Boot's environment format: CRC-32 (little endian), then `name=value` texts ended by zero bytes. */
export function decodeBootState(sector: Uint8Array): BootState {
  if (sector.length !== BOOT_STATE_BYTES) return undefined;
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const body = sector.subarray(4);
  if (view.getUint32(0, true) !== crc32(body)) return undefined;
  const values: Record<string, string> = {};
  for (const entry of new TextDecoder().decode(body).split("\0")) {
    // An empty text ends the list; what follows is padding.
    if (entry === "") break;
    const at = entry.indexOf("=");
    if (at > 0) values[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return values;
}
