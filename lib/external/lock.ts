import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { ProcessError, type Processes, type RunningProcess } from "./process.ts";

export interface Lock {
  release(): Promise<void>;
}

export interface LockRequest {
  /** Made where it is missing; may also be a folder that is there. */
  readonly file: string;
  readonly mode: "shared" | "exclusive";
  /** Undefined: wait for ever (until the signal aborts). 0: give up at once. */
  readonly waitMs?: number;
  /** Called once when the lock is not free at once. */
  readonly onWait?: () => void;
  /** Ends the waiting; a lock that is held stays held until it is released. */
  readonly signal?: AbortSignal;
}

/**
 * An advisory lock (flock(2)) that the kernel frees when this process dies, however it dies: it is held
 * by a `flock` child that lives as long as the pipe to us. Returns undefined when it was not free in time.
 * Throws ProcessError: INTERRUPTED where the signal ended the waiting, EXIT where flock cannot lock the file.
 */
export async function acquireLock(processes: Processes, request: LockRequest): Promise<Lock | undefined> {
  await mkdir(dirname(request.file), { recursive: true });
  const quick = await tryLock(processes, request, 0);
  if (quick !== undefined || request.waitMs === 0) return quick;
  request.onWait?.();
  return tryLock(processes, request, request.waitMs);
}

function tryLock(
  processes: Processes,
  request: LockRequest,
  waitMs: number | undefined,
): Promise<Lock | undefined> {
  const { file, signal } = request;
  const wait = waitMs === undefined ? [] : ["--timeout", String(waitMs / 1000)];
  const mode = request.mode === "shared" ? "--shared" : "--exclusive";
  const interrupted = () => new ProcessError("INTERRUPTED", `interrupted while waiting for the lock ${file}`);
  if (signal?.aborted === true) return Promise.reject(interrupted());
  return new Promise((resolve, reject) => {
    let output = "";
    const holder: RunningProcess = processes.start(
      {
        argv: [
          // Were we killed while it waits, it would go on waiting.
          ...(["setpriv", "--pdeathsig", "KILL"] as const),
          ...["flock", mode, ...wait, "--conflict-exit-code", "75", file, "sh", "-c", "echo held; exec cat"],
        ],
      },
      (chunk) => {
        output += chunk.toString("utf8");
        if (!output.startsWith("held\n")) return;
        // From here on only release() ends it: an interrupted holder still has to tidy up behind the lock.
        signal?.removeEventListener("abort", onAbort);
        resolve({ release: () => holder.stop(1_000) });
      },
    );
    const onAbort = (): void => {
      reject(interrupted());
      void holder.stop(1_000);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    void holder.exited.then((code) => {
      signal?.removeEventListener("abort", onAbort);
      if (code === 75) resolve(undefined);
      else
        reject(
          new ProcessError("EXIT", `${file} could not be locked with flock`, { details: [output.trim()] }),
        );
    });
  });
}
