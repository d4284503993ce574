import { readFile } from "node:fs/promises";
import { freemem } from "node:os";

/** Bytes that programs can still have without swapping, of this machine and of the cgroup we are in. */
export async function availableMemory(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  const ofMachine = kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
  return Math.min(ofMachine, process.availableMemory());
}

/** How many processes the kernel has ended for want of memory since this machine started, 0 where it does not say. */
export async function memoryKills(): Promise<number> {
  const text = await readFile("/proc/vmstat", "utf8").catch(() => "");
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
