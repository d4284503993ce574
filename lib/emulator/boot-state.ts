import { crc32 } from "node:zlib";
import { EmulatorError } from "./failure.ts";

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

/**
 * One copy as mkenvimage writes it: `name=value` texts in the order given, each ended by a zero byte, the list
 * by one more, then 0xff. Values are ASCII. @throws EmulatorError STATE where they do not fit.
 */
export function encodeBootState(values: Readonly<Record<string, string>>): Uint8Array {
  const texts = Object.entries(values).map(([name, value]) => `${name}=${value}\0`);
  const text = new TextEncoder().encode(`${texts.join("")}\0`);
  const room = BOOT_STATE_BYTES - 4;
  if (text.length > room) {
    throw new EmulatorError("STATE", `a boot state of ${text.length} bytes does not fit into ${room}`);
  }
  const sector = new Uint8Array(BOOT_STATE_BYTES).fill(0xff);
  sector.set(text, 4);
  return withChecksum(sector);
}

/** The same bytes with the checksum that fits them: what a wrong program would leave, not a power cut. */
export function withChecksum(sector: Uint8Array): Uint8Array {
  const valid = new Uint8Array(sector);
  new DataView(valid.buffer).setUint32(0, crc32(valid.subarray(4)), true);
  return valid;
}
