import type { Clock } from "../../../lib/external/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is moved: deadlines of minutes are tested in milliseconds. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<Sleeper>();

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.#now + ms, wake: () => this.#sleepers.delete(sleeper) && resolve() };
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", () => this.#sleepers.delete(sleeper) && reject(signal.reason));
      this.#sleepers.add(sleeper);
    });
  }

  /** Moves the time on in steps of a second, letting whoever wakes act before the next step. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.#now += Math.min(1_000, left);
      for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.#now) sleeper.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
