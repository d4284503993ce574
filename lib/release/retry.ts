import type { Clock } from "../external/clock.ts";
import { GithubError } from "../external/github-failure.ts";
import type { Reporter } from "../progress/reporter.ts";
import { formatDuration } from "../progress/words.ts";
import { type ReleaseCode, ReleaseError } from "./failure.ts";
import { RETRIES } from "./limits.ts";

/** What another try, after another look, may put right. */
const PASSING: ReadonlySet<ReleaseCode> = new Set(["UPLOAD", "SERVER", "NOT_FOUND"]);

/**
 * How long to wait before the next try, in milliseconds: twice as long each time, and never less than the server
 * asked for. `failed` counts from 1; `random` is from 0 to 1.
 */
export function waitBefore(failed: number, askedMs: number | undefined, random: number): number {
  const own = RETRIES.firstWaitMs * 2 ** (failed - 1);
  return Math.round(Math.max(own, askedMs ?? 0) * (1 + RETRIES.jitter * random));
}

export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** From 0 to 1; Math.random where there is none. */
  readonly random?: () => number;
}

/** Counts the tries of each thing a run does, and waits between them. */
export interface Retries {
  /**
   * Waits until `what` may be tried again. Throws the error itself where it does not pass, or the thing failed
   * too often, and ReleaseError INTERRUPTED.
   */
  again(what: string, error: unknown): Promise<void>;
  /** Tries until it works, where trying again needs no look before. */
  untilDone<T>(what: string, work: () => Promise<T>): Promise<T>;
}

export function countRetries(patience: Patience, reporter: Reporter): Retries {
  const failures = new Map<string, number>();
  const again = async (what: string, error: unknown): Promise<void> => {
    if (!(error instanceof ReleaseError) || !PASSING.has(error.code)) throw error;
    const failed = (failures.get(what) ?? 0) + 1;
    failures.set(what, failed);
    const asked = error.cause instanceof GithubError ? error.cause.retryAfterMs : undefined;
    if (failed >= RETRIES.tries || (asked ?? 0) > RETRIES.longestWaitMs) throw error;
    const waitMs = waitBefore(failed, asked, (patience.random ?? Math.random)());
    const because = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    reporter.warn(`${error.message}${because}; next try in ${formatDuration(waitMs)}`);
    await patience.clock.sleep(waitMs, patience.signal).catch(() => {
      throw new ReleaseError("INTERRUPTED", `interrupted while waiting to try again: ${what}`);
    });
  };
  const untilDone = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        const result = await work();
        failures.delete(what);
        return result;
      } catch (error) {
        await again(what, error);
      }
    }
  };
  return { again, untilDone };
}
