import type { Bus } from "./rauc/bus.ts";
import { activate } from "./rauc/slots.ts";
import type { StateFile } from "./state/file.ts";

/**
 * Makes what is installed the first to start. Nothing else does: RAUC leaves a slot it has filled without attempts
 * (activate-installed=false), so a node that is paused, or waits for its window, starts what it runs whatever ends
 * this start. Throws UpdaterError RAUC, BUSY, STATE.
 *
 * First the boot order, then the state. Cut off in between, the node starts the new build, whose gate finds its trial;
 * and where that does not come up, the old build tries it once more. The other way round a build that was never
 * started would be called failed.
 */
export async function activateInstalled(bus: Bus, stateFile: StateFile, bootId: string): Promise<void> {
  await activate(bus, "other");
  await stateFile.change(({ trial, ...rest }) =>
    trial === undefined ? rest : { ...rest, trial: { ...trial, activatedIn: bootId } },
  );
}
