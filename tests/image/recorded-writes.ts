import {
  cutAfter,
  cutInOrder,
  joinSectors,
  type LoggedWrite,
  readWriteLog,
} from "../../lib/emulator/card/write-log.ts";
import type { MachineName } from "../../lib/emulator/machine.ts";
import { processes } from "../../lib/external/process.ts";

const COPY_MS = 120_000;

/** What a power cut leaves: the disk of `virt` has a cache that it flushes, the emulated SD card has none. */
export const cutOn: Readonly<Record<MachineName, typeof cutAfter>> = { virt: cutAfter, raspi3b: cutInOrder };

/** An empty log for a machine's writes. */
export async function makeWriteLog(log: string): Promise<void> {
  await processes.run({ argv: ["truncate", "-s", "0", log], timeoutMs: 5_000 });
}

/** The writes of a machine, as it sent them. */
export async function recordedWrites(log: string, machine: MachineName): Promise<readonly LoggedWrite[]> {
  const entries = await readWriteLog(log);
  return machine === "virt" ? entries : joinSectors(entries);
}

export const copySparse = (from: string, to: string) =>
  processes.run({ argv: ["cp", "--sparse=always", "--", from, to], timeoutMs: COPY_MS });

/** An index in a log that a state is named by. Throws where there is none: that state would be judged nowhere. */
export function found(index: number): number {
  if (index < 0) throw new Error("a named state is not in the log of writes");
  return index;
}
