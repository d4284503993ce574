import { z } from "zod";
import { UpdaterError } from "../failure.ts";
import type { SlotName } from "../state/record.ts";
import type { Bus, BusReply } from "./bus.ts";

const value = z.object({ type: z.string(), data: z.union([z.string(), z.number()]) });
const slotStatus = z.object({
  type: z.literal("a(sa{sv})"),
  data: z.tuple([z.array(z.tuple([z.string(), z.record(z.string(), value)]))]),
});
const text = z.object({ type: z.literal("s"), data: z.string() });
const texts = z.object({ type: z.literal("s"), data: z.tuple([z.string()]) });

export interface Slot {
  /** RAUC's own name: `rootfs.0`. */
  readonly name: string;
  readonly bootname: SlotName;
  readonly device: string;
  readonly bootStatus: string;
  /** Of the bundle that was installed there last; undefined for a slot that was flashed. */
  readonly buildId: string | undefined;
  readonly version: string | undefined;
}

export interface Slots {
  readonly booted: SlotName;
  /** What starts next. */
  readonly primary: SlotName | undefined;
  readonly slots: readonly Slot[];
}

function parse<T>(schema: z.ZodType<T>, reply: BusReply | undefined, what: string): T {
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  throw new UpdaterError("RAUC", `RAUC's ${what} is not what is known of it`, {
    fix: "is another version of RAUC in the image?",
    cause: parsed.error,
  });
}

const isSlotName = (name: string): name is SlotName => name === "A" || name === "B";

/** What `GetSlotStatus`, `GetPrimary` and `BootSlot` say (rauc 1.13). Throws RAUC where it is something else. */
export function parseSlots(
  status: BusReply | undefined,
  primary: BusReply | undefined,
  bootSlot: BusReply | undefined,
): Slots {
  const { data } = parse(slotStatus, status, "slot status");
  const slots = data[0].flatMap(([name, facts]): Slot[] => {
    const say = (fact: string): string => String(facts[fact]?.data ?? "");
    const bootname = say("bootname");
    if (!isSlotName(bootname)) return [];
    const device = say("device");
    const [buildId, version] = [say("bundle.build") || undefined, say("bundle.version") || undefined];
    return [{ name, bootname, device, bootStatus: say("boot-status"), buildId, version }];
  });
  const booted = parse(text, bootSlot, "boot slot").data;
  if (!isSlotName(booted))
    throw new UpdaterError("RAUC", `RAUC runs from slot "${booted}", which is neither A nor B`);
  const first = parse(texts, primary, "primary slot").data[0];
  return { booted, primary: slots.find(({ name }) => name === first)?.bootname, slots };
}

export async function readSlots(bus: Bus): Promise<Slots> {
  const [bootSlot] = await bus.properties(["BootSlot"]);
  // RAUC finds no primary slot where the boot state names none: no reason to know nothing.
  const primary = await bus.call("GetPrimary").catch(() => ({ type: "s", data: [""] }));
  return parseSlots(await bus.call("GetSlotStatus"), primary, bootSlot);
}

/** Which slot starts next. */
export async function activate(bus: Bus, slot: "booted" | "other"): Promise<void> {
  await bus.call("Mark", "ss", ["active", slot]);
}
