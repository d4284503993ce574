import { writeFile } from "node:fs/promises";
import { sha256OfRange } from "../lib/external/ranges.ts";
import { messageOf } from "../lib/failure.ts";
import type { ChannelImage } from "../lib/manifest/channel.ts";
import { UpdaterError } from "./failure.ts";
import type { Places } from "./places.ts";
import type { Bus } from "./rauc/bus.ts";
import { readSlots } from "./rauc/slots.ts";
import type { SlotName } from "./state/record.ts";

const WORN = "the card or disk may be worn out: replace it";

/**
 * RAUC reads nothing back. A card that lies about its writes is found here, not by the kernel of the new slot, which
 * RAUC has given no attempts yet. Throws READ_BACK.
 */
export async function readBack(
  image: ChannelImage,
  slot: SlotName,
  { bus, places }: { readonly bus: Bus; readonly places: Places },
): Promise<void> {
  const problem = await problemOf(image, slot, bus, places);
  if (problem === undefined) return;
  const { message, fix, cause } = problem;
  throw new UpdaterError("READ_BACK", message, { fix, cause });
}

interface Problem {
  readonly message: string;
  readonly fix: string;
  readonly cause?: unknown;
}

async function problemOf(
  image: ChannelImage,
  slot: SlotName,
  bus: Bus,
  places: Places,
): Promise<Problem | undefined> {
  let device = `slot ${slot}`;
  try {
    const target = (await readSlots(bus)).slots.find(({ bootname }) => bootname === slot);
    if (target === undefined) return { message: `RAUC knows no slot ${slot}`, fix: "see system.conf" };
    device = target.device;
    // From the card, not from memory.
    await writeFile(places.dropCaches, "1").catch(() => undefined);
    const found = await sha256OfRange(device, 0, image.slot.bytes);
    if (found === image.slot.sha256) return undefined;
    return { message: `${device} reads back as ${found.slice(0, 12)}, not as it was written`, fix: WORN };
  } catch (cause) {
    const fix = (cause instanceof UpdaterError ? cause.fix : undefined) ?? WORN;
    return { message: `${device} cannot be read back: ${messageOf(cause)}`, fix, cause };
  }
}
