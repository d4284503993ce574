import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { acquireLock, type Lock, type LockRequest } from "../../../lib/external/lock.ts";
import { processes } from "../../../lib/external/process.ts";
import { scratchFolder, until } from "./scratch-folder.ts";

const scratch = scratchFolder();
const held: Lock[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await Promise.all(held.splice(0).map((lock) => lock.release()));
});

async function acquire(request: Omit<LockRequest, "file">): Promise<Lock | undefined> {
  const lock = await acquireLock(processes, { file: scratch.join("folder/some.lock"), ...request });
  if (lock !== undefined) held.push(lock);
  return lock;
}

/** Another process that holds the lock. */
async function holder(mode: "shared" | "exclusive"): Promise<ChildProcess> {
  const argv = [join(import.meta.dirname, "lock-holder.ts"), scratch.join("folder/some.lock"), mode];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [said] = (await once(child.stdout ?? child, "data")) as [Buffer];
  expect(said.toString("utf8")).toBe("held\n");
  return child;
}

describe("a lock", () => {
  it("is exclusive, and free again after its release", async () => {
    const first = await acquire({ mode: "exclusive" });
    expect(await acquire({ mode: "exclusive", waitMs: 0 })).toBeUndefined();
    expect(await acquire({ mode: "shared", waitMs: 0 })).toBeUndefined();
    await first?.release();
    expect(await acquire({ mode: "exclusive", waitMs: 0 })).toBeDefined();
  });

  it("is shared by those who ask for that, and keeps others out", async () => {
    expect(await acquire({ mode: "shared", waitMs: 0 })).toBeDefined();
    expect(await acquire({ mode: "shared", waitMs: 0 })).toBeDefined();
    expect(await acquire({ mode: "exclusive", waitMs: 0 })).toBeUndefined();
  });

  it("may be released twice", async () => {
    const lock = await acquire({ mode: "exclusive" });
    await lock?.release();
    await lock?.release();
    expect(await acquire({ mode: "exclusive", waitMs: 0 })).toBeDefined();
  });

  it("is waited for, which is said once", async () => {
    const first = await acquire({ mode: "exclusive" });
    let waits = 0;
    const second = acquire({
      mode: "exclusive",
      onWait: () => {
        waits += 1;
      },
    });
    setTimeout(() => void first?.release(), 300);
    expect(await second).toBeDefined();
    expect(waits).toBe(1);
  });

  it("that is free is not said to be waited for", async () => {
    let waits = 0;
    expect(
      await acquire({
        mode: "exclusive",
        onWait: () => {
          waits += 1;
        },
      }),
    ).toBeDefined();
    expect(waits).toBe(0);
  });

  it("is given up when the time is over", async () => {
    await acquire({ mode: "exclusive" });
    const started = Date.now();
    expect(await acquire({ mode: "exclusive", waitMs: 300 })).toBeUndefined();
    expect(Date.now() - started).toBeGreaterThanOrEqual(290);
  });

  it("cannot be had where no file can be made", async () => {
    mkdirSync(scratch.join("folder"));
    writeFileSync(scratch.join("folder/some.lock"), "");
    const file = scratch.join("folder/some.lock/below-a-file");
    await expect(acquireLock(processes, { file, mode: "exclusive" })).rejects.toThrow(/EEXIST|ENOTDIR/);
  });

  it("says what flock said where it fails", async () => {
    const noFlock = {
      ...processes,
      start: (...[command, onData]: Parameters<typeof processes.start>) =>
        processes.start({ ...command, argv: ["flock", "--no-such-option"] }, onData),
    };
    const failed = acquireLock(noFlock, { file: scratch.join("a.lock"), mode: "exclusive" });
    await expect(failed).rejects.toMatchObject({
      code: "EXIT",
      details: [expect.stringContaining("no-such-option")],
    });
  });
});

describe("a lock of another process", () => {
  it("keeps us out, and is freed by the kernel when it is killed", async () => {
    const child = await holder("exclusive");
    expect(await acquire({ mode: "shared", waitMs: 0 })).toBeUndefined();
    const waiting = acquire({ mode: "exclusive", waitMs: 5_000 });
    child.kill("SIGKILL");
    expect(await waiting).toBeDefined();
  });

  it("is no longer waited for by who is killed while waiting", async () => {
    await acquire({ mode: "exclusive" });
    const argv = [join(import.meta.dirname, "lock-holder.ts"), scratch.join("folder/some.lock"), "exclusive"];
    const waiting = spawn(process.execPath, argv, { stdio: "ignore" });
    children.push(waiting);
    const waiters = () => spawnSync("pgrep", ["-f", `^flock.*${scratch.path}`]).stdout.toString();
    const before = waiters();
    await until(() => waiters().length > before.length, "nobody waits");
    waiting.kill("SIGKILL");
    await until(() => waiters() === before, "flock still waits for a dead process");
  });

  it("may be shared with us", async () => {
    await holder("shared");
    expect(await acquire({ mode: "shared", waitMs: 0 })).toBeDefined();
  });
});

describe("an interruption", () => {
  it("ends the waiting, and leaves no rejection unhandled", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listener);
    const first = await acquire({ mode: "exclusive" });
    const controller = new AbortController();
    const waiting = acquire({
      mode: "exclusive",
      signal: controller.signal,
      onWait: () => setTimeout(() => controller.abort(), 100),
    });
    await expect(waiting).rejects.toMatchObject({ area: "process", code: "INTERRUPTED" });
    await first?.release();
    // What waited is gone: the lock is free.
    const again = await acquire({ mode: "exclusive", waitMs: 5_000 });
    expect(again).toBeDefined();
    await again?.release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off("unhandledRejection", listener);
    expect(unhandled).toEqual([]);
  });

  it("that came before is told at once", async () => {
    await acquire({ mode: "exclusive" });
    const waiting = acquire({ mode: "exclusive", signal: AbortSignal.abort() });
    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  it("does not take a lock away: who holds it tidies up first", async () => {
    const controller = new AbortController();
    await acquire({ mode: "exclusive", signal: controller.signal });
    controller.abort();
    expect(await acquire({ mode: "exclusive", waitMs: 300 })).toBeUndefined();
  });
});
