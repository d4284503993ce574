import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Processes, RunningProcess } from "./process.ts";

export interface Lock {
  release(): Promise<void>;
}

export interface LockRequest {
  readonly file: string;
  readonly mode: "shared" | "exclusive";
  /** Undefined: wait for ever (until the signal aborts). 0: give up at once. */
  readonly waitMs?: number;
  /** Called once when the lock is not free at once. */
  readonly onWait?: () => void;
  readonly signal?: AbortSignal;
}

/**
 * An advisory lock (flock(2)) that the kernel frees when this process dies, however it dies: it is held
 * by a `flock` child that lives as long as the pipe to us. Returns undefined when it was not free in time.
 */
export async function acquireLock(processes: Processes, request: LockRequest): Promise<Lock | undefined> {
  await mkdir(dirname(request.file), { recursive: true });
  const quick = await tryLock(processes, request, 0);
  if (quick !== undefined || request.waitMs === 0) return quick;
  request.onWait?.();
  return tryLock(processes, request, request.waitMs);
}

function tryLock(processes: Processes, request: LockRequest, waitMs: number | undefined): Promise<Lock | undefined> {
  const wait = waitMs === undefined ? [] : ["--timeout", String(waitMs / 1000)];
  const mode = request.mode === "shared" ? "--shared" : "--exclusive";
  return new Promise((resolve, reject) => {
    let output = "";
    const holder: RunningProcess = processes.start(
      {
        argv: ["flock", mode, ...wait, "--conflict-exit-code", "75", request.file, "sh", "-c", "echo held; exec cat"],
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      },
      (chunk) => {
        output += chunk.toString("utf8");
        if (output.startsWith("held\n")) resolve({ release: () => holder.stop(1_000) });
      },
    );
    void holder.exited.then((code) => {
      if (code === 75) resolve(undefined);
      else reject(new Error(`flock on ${request.file} ended with ${code ?? "a signal"}: ${output.trim()}`));
    });
  });
}
