import { join } from "node:path";
import { expect } from "vitest";
import { BOOT_STATE_OFFSETS } from "../../lib/emulator/boot-state.ts";
import type { SlotName } from "../../lib/emulator/card/slot.ts";
import { dataOf, type LoggedWrite } from "../../lib/emulator/card/write-log.ts";
import { CARD_BYTES } from "../../lib/emulator/limits.ts";
import { setFileLength } from "../../lib/external/ranges.ts";
import { DEMO_EDITIONS } from "../../lib/rehearsal/demonstration.ts";
import type { EditedBuild } from "../../lib/rehearsal/edition.ts";
import { startUpdater, waitForCommitted, waitForReturn } from "../../lib/rehearsal/follow.ts";
import {
  harmless,
  type NodeSession,
  runUpdaterOn,
  type SessionRequest,
  withNodeSession,
} from "./node-session.ts";
import { copySparse, found, makeWriteLog, recordedWrites } from "./recorded-writes.ts";
import { expectTold } from "./told-node.ts";

/** A state file is some hundred bytes; no larger write is searched for one. */
const SEARCHED_BYTES = 64 * 1024;

/** A flashed card that took v1.1.0 into slot B, and came back from v1.2.0 in slot A: every write of it. */
export interface Recorded {
  readonly session: NodeSession;
  /** The card as it was flashed. */
  readonly before: string;
  readonly log: string;
  readonly entries: readonly LoggedWrite[];
  /** Digests of the slots of every release, by build id. */
  readonly slots: ReadonlyMap<string, string>;
  /** Bytes of each of them. */
  readonly slotBytes: number;
  readonly builds: { readonly first: string; readonly good: string; readonly bad: string };
}

/** Lets a node live through a good and a bad upgrade with every write recorded, and switches it off. */
export async function withRecordedUpgrades(
  request: Omit<SessionRequest, "beforePower" | "meanwhile">,
  work: (recorded: Recorded) => Promise<void>,
): Promise<void> {
  let before = "";
  let log = "";
  const made: EditedBuild[] = [];
  const record: SessionRequest = {
    ...request,
    meanwhile: async (edited) => {
      made.push(await edited("good", harmless("the next release")));
      made.push(await edited("bad", DEMO_EDITIONS["1.2.0"] ?? []));
    },
    beforePower: async ({ bench, disk }) => {
      [before, log] = [join(bench.work, "before.img"), join(bench.work, "writes")];
      await copySparse(disk.path, before);
      await setFileLength(before, CARD_BYTES);
      await makeWriteLog(log);
      return { writeLog: log };
    },
  };
  await withNodeSession(record, async (session) => {
    const { node, build } = session;
    const first = build.image;
    const [good, bad] = made;
    if (good === undefined || bad === undefined) throw new Error("the releases were not made");
    await session.release("1.1.0", good);
    await startUpdater(node);
    await waitForCommitted(node, "1.1.0");
    await session.release("1.2.0", bad);
    await startUpdater(node);
    const back = await waitForReturn(node, "1.2.0", "1.1.0");
    expect(back.lastFailed?.reason).toContain("broken.service");
    const again = await runUpdaterOn(node);
    expect(again.reason).toMatch(/v1\.2\.0 failed here .* a newer version is waited for/);
    await expectTold(node);
    // Flashed; v1.1.0; v1.2.0; back: not one start more.
    expect(node.starts).toBe(4);
    await node.command("sync");
    await node.cut();
    const slots = new Map([first, good, bad].map(({ info }) => [info.buildId, info.slot.sha256]));
    expect(new Set([first, good, bad].map(({ info }) => info.slot.bytes)).size).toBe(1);
    const builds = { first: first.info.buildId, good: good.info.buildId, bad: bad.info.buildId };
    const slotBytes = first.info.slot.bytes;
    const entries = await recordedWrites(log, node.machine);
    await work({ session, before, log, entries, slots, slotBytes, builds });
  });
}

const isWrite = (entry: LoggedWrite): boolean => entry.kind === "write";

/** The slot a write goes to, if it goes to one. */
export function slotOfWrite({ offset }: LoggedWrite, { session }: Recorded): SlotName | undefined {
  const { slotA, slotB } = session.node.disk;
  if (offset >= slotA.offset && offset < slotA.offset + slotA.bytes) return "A";
  return offset >= slotB.offset && offset < slotB.offset + slotB.bytes ? "B" : undefined;
}

/** The named state in which the new slot is written, and nothing may start it yet. */
const INSTALLED = "installed, before it is activated";

/** The named state from which on there is no way back. */
const COMMITTED = "committed";

/**
 * Which builds a node may run whose power was cut after so many entries: until it is activated a release is started by
 * nobody, once it is committed nothing else is, and a bad one is never kept.
 */
export function mayRunAfter(
  at: number,
  named: ReadonlyMap<string, number>,
  { builds }: Recorded,
): readonly string[] {
  const { first, good } = builds;
  if (at <= (named.get(INSTALLED) ?? 0)) return [first];
  return at >= (named.get(COMMITTED) ?? 0) ? [good] : [first, good];
}

/** Number of entries after which each named state is reached, in order. */
export async function landmarks(recorded: Recorded): Promise<Map<string, number>> {
  const { entries, log, session, builds } = recorded;
  const { data } = session.node.disk;
  const part = (slot: SlotName, of: number): number => {
    const own = entries.flatMap((entry, at) =>
      isWrite(entry) && slotOfWrite(entry, recorded) === slot ? [at] : [],
    );
    return (own[Math.floor((own.length - 1) * of)] ?? 0) + 1;
  };
  /** The first write of a state file that says so. */
  const said = async (text: string): Promise<number> => {
    for (const [at, entry] of entries.entries()) {
      if (!isWrite(entry) || entry.offset < data.offset || entry.bytes > SEARCHED_BYTES) continue;
      if ((await dataOf(log, entry)).includes(text)) return at + 1;
    }
    throw new Error(`no write says ${text}`);
  };
  const [copy1] = BOOT_STATE_OFFSETS;
  const stateAfter = (from: number): number =>
    from + found(entries.slice(from).findIndex((entry) => isWrite(entry) && entry.offset === copy1)) + 1;
  const activated = await said('"activatedIn":');
  const counted = stateAfter(activated);
  return new Map([
    ["the first build is committed", await said(`"committed":{"buildId":"${builds.first}"`)],
    ["the trial is written down", await said('"phase":"installing"')],
    ["1 % of the slot", part("B", 0.01)],
    ["half of the slot", part("B", 0.5)],
    ["99 % of the slot", part("B", 0.99)],
    ["between the two copies, when B joins the order", stateAfter(part("B", 1))],
    [INSTALLED, await said('"phase":"installed"')],
    ["activated, before the restart", activated],
    ["the new slot's first start is counted", counted],
    ["marked good, between the two copies", stateAfter(counted)],
    [COMMITTED, await said(`"committed":{"buildId":"${builds.good}"`)],
    ["half of a bad release", part("A", 0.5)],
    ["the bad release's failure is written down", await said(`"failed":[{"buildId":"${builds.bad}"`)],
  ]);
}
