import { type Clock, clock } from "./clock.ts";
import type { LayerStore } from "./layer-store.ts";
import { type Processes, processes } from "./process.ts";

/** What a command may touch of the outside, and the signal that ends it. */
export interface World {
  readonly processes: Processes;
  readonly clock: Clock;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Where finished entries of the cache are kept beyond this machine, on a runner that forgets everything. */
  readonly layers?: LayerStore;
}

export function realWorld(signal: AbortSignal): World {
  return { processes, clock, signal };
}
