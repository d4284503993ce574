import type { Bus } from "./rauc/bus.ts";
import { readProgress } from "./rauc/install.ts";
import { readSlots } from "./rauc/slots.ts";
import type { StateFile } from "./state/file.ts";
import type { Build, State } from "./state/record.ts";

/** From here on the other slot is RAUC's: whatever ends us, nobody goes back to what may be half written over. */
export async function forgetPrevious(stateFile: StateFile): Promise<State> {
  return stateFile.change(({ previous: _, ...rest }) => rest);
}

/**
 * Lets RAUC work, which is to call forgetPrevious before it begins. Where it fails and has not touched the other slot,
 * the build there is remembered again.
 */
export async function keepPrevious<T>(
  previous: Build | undefined,
  { bus, stateFile }: { readonly bus: Bus; readonly stateFile: StateFile },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (previous !== undefined && (await isThere(previous, bus).catch(() => false))) {
      // Lost is a way back only; why nothing was installed is what counts here.
      await stateFile.change((had) => ({ ...had, previous })).catch(() => undefined);
    }
    throw error;
  }
}

/**
 * Whether a build is still whole in its slot. RAUC marks a slot bad before it writes the first byte (rauc 1.13,
 * src/install.c), and good only when it has noted down what it holds: nothing of a slot that was flashed.
 */
async function isThere({ slot, buildId }: Build, bus: Bus): Promise<boolean> {
  if ((await readProgress(bus)).running) return false;
  const found = (await readSlots(bus)).slots.find(({ bootname }) => bootname === slot);
  return found?.bootStatus === "good" && (found.buildId === undefined || found.buildId === buildId);
}
