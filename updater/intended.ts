import { z } from "zod";
import { writeAtomically } from "../lib/external/files.ts";
import type { ChannelImage } from "../lib/manifest/channel.ts";

/** What the pre-install handler holds a bundle against, before RAUC writes the first byte of a slot. */
export const intendedRecord = z.strictObject({
  version: z.string(),
  serial: z.int().positive(),
  buildId: z.string(),
  /** SHA-256 (hex) of the slot's file system. */
  slotSha256: z.string(),
});

export async function writeIntended(path: string, image: ChannelImage): Promise<void> {
  const { version, serial, buildId, slot } = image;
  const intended = intendedRecord.parse({ version, serial, buildId, slotSha256: slot.sha256 });
  await writeAtomically(path, `${JSON.stringify(intended)}\n`, 0o600);
}
