import type { Bus } from "./rauc/bus.ts";
import { activate } from "./rauc/slots.ts";
import type { StateFile } from "./state/file.ts";
import type { State } from "./state/record.ts";

/**
 * Takes back what was installed and not started: what runs starts next again, and the trial is forgotten. The other
 * slot stays second, for the day this one does not start any more; its build would then be one nobody knows, which
 * never passes its gate. Throws UpdaterError RAUC, BUSY, STATE; what is left to do, the next run does.
 *
 * First the boot order, where it may be activated already, then the state. Cut off in between, the node starts what
 * runs now, and the next run withdraws it once more. The other way round the node would start the blocked build.
 */
export async function withdraw(bus: Bus, stateFile: StateFile): Promise<State> {
  await activate(bus, "booted");
  return stateFile.change(({ trial: _, ...rest }) => rest);
}
