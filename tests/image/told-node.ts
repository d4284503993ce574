import { expect } from "vitest";
import { READ_JOURNALS } from "../../lib/rehearsal/demonstration.ts";
import type { RehearsalNode } from "../../lib/rehearsal/node.ts";

const AS_NOBODY =
  "setpriv --reuid=nobody --regid=nogroup --clear-groups busctl call de.pengutronix.rauc / de.pengutronix.rauc.Installer Mark ss bad other 2>&1 || true";
/** What a run of the updater may take of a node with 1 GB. */
const MOST_MEMORY_MIB = 90;

/** What a node says where people and programs look, after it came back from v1.2.0 to v1.1.0. */
export async function expectTold(node: RehearsalNode): Promise<void> {
  const metrics = await node.command("cat /run/home-pi/metrics/update.prom");
  expect(metrics).toMatch(/^home_pi_update_running\{build="[0-9a-f]{12}",version="1\.1\.0",slot="B"\} 1$/m);
  expect(metrics).toMatch(/^home_pi_update_last_failed_seconds\{version="v1\.2\.0"\} \d{10}$/m);
  expect(metrics).toMatch(/^home_pi_update_last_check_seconds \d{10}$/m);
  expect(metrics).toMatch(/^home_pi_update_expiry_seconds\{part="\w+"\} \d{10}$/m);
  const line = /^update {4}v1\.2\.0 failed here \(.*broken\.service/m;
  for (const place of ["/run/issue.d/20-home-pi-update.issue", "/run/motd.d/20-home-pi-update"])
    expect(await node.command(`cat ${place}`)).toMatch(line);
  // What a screen at the node shows by itself, nobody having touched a key.
  expect(await node.command("tr -s ' ' </dev/vcs1")).toMatch(/update v1\.2\.0 failed here/);
  expect(await node.command("node-update status")).toMatch(/^last failed {2}v1\.2\.0: .*broken\.service/m);

  // Nothing stays in memory; what starts it is there, with its limits; nobody but root calls RAUC.
  expect((await node.command("pgrep -fc '[n]ode-update run' || true")).trim()).toBe("0");
  expect((await node.command("systemctl is-active home-pi-update.timer")).trim()).toBe("active");
  const limits = await node.command("systemctl show -p MemoryMax -p Nice home-pi-update.service");
  expect(limits.trim().split("\n").toSorted()).toEqual(["MemoryMax=201326592", "Nice=10"]);
  expect(await node.command(AS_NOBODY)).toMatch(/denied/i);

  const journal = await node.command(READ_JOURNALS);
  expect(journal).toContain("Updating slot rootfs.1");
  // Read by blocks from the first update on, never as a whole.
  expect(journal).not.toContain("Continuing after adaptive mode error");
  expectLittleMemory(journal, 1);
}

/** Of each run of the updater that has ended by itself; of those there are `least` at the least. */
export function expectLittleMemory(journal: string, least: number): void {
  const memory = [...journal.matchAll(/memory: (\d+) MiB at most/g)].map(([, mib]) => Number(mib));
  console.log(`memory of the updater's runs: ${memory.join(", ")} MiB`);
  expect(memory.length).toBeGreaterThanOrEqual(least);
  expect(Math.max(...memory)).toBeLessThanOrEqual(MOST_MEMORY_MIB);
}
