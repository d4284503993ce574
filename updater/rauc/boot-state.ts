import type { Processes } from "../../lib/external/process.ts";
import { otherSlot, type SlotName } from "../state/record.ts";

/** The project's fw_setenv writes both copies of the boot state. In milliseconds. */
const WRITE_MS = 30_000;

/**
 * Takes a slot's attempts away: it is started no more while the other one can be, and RAUC calls it bad. Unlike RAUC's
 * own mark it stays in the order, as the last resort where the other slot does not start any more.
 */
export function useUp(processes: Processes, slot: SlotName): Promise<void> {
  return set(processes, `BOOT_${slot}_LEFT`, "0");
}

/**
 * Makes a slot that RAUC has filled, and not activated, the last resort: it has no attempts, so it is started only
 * where the first one does not start any more (disk contract: no slot left).
 */
export function putLast(processes: Processes, slot: SlotName): Promise<void> {
  return set(processes, "BOOT_ORDER", `${otherSlot(slot)} ${slot}`);
}

async function set(processes: Processes, name: string, value: string): Promise<void> {
  await processes.run({ argv: ["fw_setenv", name, value], timeoutMs: WRITE_MS });
}
