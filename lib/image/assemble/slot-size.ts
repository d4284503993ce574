import { ImageError } from "../failure.ts";
import { LARGEST_SLOT_BYTES } from "./layout.ts";

const BLOCK = 4096;
const INODE = 256;
const MIB = 1024 * 1024;

export interface TreeSize {
  /** Files, folders, links: everything that takes an inode. */
  readonly entries: number;
  /** Bytes of file content, each file rounded up to whole blocks. */
  readonly contentBytes: number;
}

export interface SlotSize {
  readonly bytes: number;
  readonly inodes: number;
}

/** Reads `tar --list --verbose --numeric-owner`: type, size and count of what is in a tree. */
export function measureListing(lines: Iterable<string>): TreeSize {
  let entries = 0;
  let contentBytes = 0;
  for (const line of lines) {
    const match = /^([-dlbcps])\S+\s+\S+\s+(\d+)/.exec(line);
    if (match === null) continue;
    entries += 1;
    const size = match[1] === "-" ? Number(match[2]) : match[1] === "d" ? BLOCK : 0;
    contentBytes += Math.ceil(size / BLOCK) * BLOCK;
  }
  return { entries, contentBytes };
}

/**
 * A slot's file system is only as large as its content needs: nothing is ever written to it. Throws
 * ImageError SLOT_TOO_LARGE above nine tenths of the slot, so that later releases still fit.
 */
export function slotSize(tree: TreeSize, profile: string): SlotSize {
  const inodes = Math.ceil((tree.entries + 256) / 64) * 64;
  // Extent blocks of large files, folders of more than a block, group descriptors and bitmaps: seen under 1.5 %.
  const needed = tree.contentBytes * 1.02 + inodes * INODE + 12 * MIB;
  const bytes = Math.ceil(needed / (4 * MIB)) * 4 * MIB;
  if (bytes > LARGEST_SLOT_BYTES) {
    const shown = (value: number): string => `${Math.ceil(value / MIB)} MiB`;
    throw new ImageError(
      "SLOT_TOO_LARGE",
      `the system of ${profile} needs ${shown(bytes)}, a slot may hold ${shown(LARGEST_SLOT_BYTES)}`,
      { fix: "take packages out of the profile" },
    );
  }
  return { bytes, inodes };
}

/** A UUID (version 8 layout) taken from a digest, so that equal builds have equal file systems. */
export function uuidFrom(digest: string): string {
  const hex = `${digest.slice(0, 12)}8${digest.slice(13, 16)}8${digest.slice(17, 32)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
