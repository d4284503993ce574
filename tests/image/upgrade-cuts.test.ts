import { describe, expect, test } from "vitest";
import { applyWrite, type Cut } from "../../lib/emulator/card/write-log.ts";
import { startUpdater, waitForCommitted, waitForStatus } from "../../lib/rehearsal/follow.ts";
import { machineAsked } from "./card-machine.ts";
import { CutCards } from "./cut-cards.ts";
import { harmless, type NodeSession } from "./node-session.ts";
import { distinctNumbers, randomFrom } from "./random-numbers.ts";
import {
  landmarks,
  mayRunAfter,
  type Recorded,
  slotOfWrite,
  withRecordedUpgrades,
} from "./recorded-upgrades.ts";
import { copySparse, cutOn } from "./recorded-writes.ts";
import { cacheDir } from "./surroundings.ts";

const MINUTE = 60_000;
const SEED = Number(process.env.PI_TEST_SEED ?? 20261126);
/** Cards that are judged, and how many of the named ones boot as well. */
const JUDGED = Number(process.env.PI_TEST_CUTS ?? 500);
const BOOTED = Number(process.env.PI_TEST_BOOTED ?? 13);
/** Flushes that syncing a file and its folder may take, each with ext4's journal; and writes, where none is seen. */
const SYNCS = 4;
const WRITES = 40;
/** Of those that boot, how many are let go on to the next release. */
const FOLLOWED = 2;

async function bootCut(
  recorded: Recorded,
  name: string,
  cut: Cut,
  may: readonly string[],
  follow: boolean,
): Promise<void> {
  const { session, before, log, entries } = recorded;
  const { node } = session;
  await copySparse(before, node.disk.path);
  for (const write of cut.kept) await applyWrite(log, node.disk.path, write);
  for (const { write, bytes } of cut.reached) await applyWrite(log, node.disk.path, write, bytes);
  await node.switchOn();
  try {
    const status = await waitForStatus(node, `a system after "${name}"`, ({ committed }) => committed);
    const { buildId, slot } = status.running;
    console.log(
      `cut: ${name} (${cut.at} of ${entries.length}): build ${buildId.slice(0, 12)} in slot ${slot}`,
    );
    expect(may, name).toContain(buildId);
    if (!follow) return;
    await startUpdater(node);
    await waitForCommitted(node, "1.3.0");
  } finally {
    await node.cut();
  }
}

/** The node itself, as it was switched off after the bad release: it takes the next one. */
async function takeLast({ node }: NodeSession): Promise<void> {
  await node.switchOn();
  await waitForStatus(node, "v1.1.0 once more", ({ committed }) => committed);
  await startUpdater(node);
  await waitForCommitted(node, "1.3.0");
}

describe.runIf(cacheDir !== undefined)("a node that is flashed and left alone", () => {
  test(
    "takes a good release, comes back from a bad one by itself, and lives through every power cut on the way",
    async () => {
      const machine = machineAsked("virt");
      const cutAt = cutOn[machine];
      await withRecordedUpgrades({ name: "upgrade-cuts", machine }, async (recorded) => {
        const { session, entries } = recorded;
        const named = await landmarks(recorded);
        console.log([...named].map(([name, at]) => `${at}: ${name}`).join("\n"));
        expect([...named.values()]).toEqual([...named.values()].sort((a, b) => a - b));
        // Firmware, boot scripts and identity are never written.
        const { slotA, boot } = { ...session.node.disk, boot: 8 * 1024 ** 2 };
        const toP1 = entries.filter(
          (entry) => entry.kind === "write" && entry.offset >= boot && entry.offset < slotA.offset,
        );
        expect(toP1).toEqual([]);

        const random = randomFrom(SEED);
        // The very first state is on the card once its file, its name and its folder are synced.
        const first = named.get("the first build is committed") ?? 0;
        const flushes = entries.flatMap(({ kind }, index) =>
          kind === "flush" && index >= first ? [index] : [],
        );
        const remembered = (machine === "virt" ? flushes[SYNCS] : first + WRITES) ?? entries.length;
        expect(remembered).toBeLessThan(named.get("the trial is written down") ?? 0);
        const points = distinctNumbers(random, JUDGED, entries.length);
        const cuts = [...points, ...named.values()].sort((a, b) => a - b);
        const cards = await CutCards.of(recorded);
        const problems: string[] = [];
        for (const at of cuts) {
          const found = await cards.judge(cutAt(entries, at, random), at <= remembered);
          problems.push(...found.map((problem) => `cut at ${at}: ${problem}`));
        }
        const count = (kind: string): number => entries.filter((entry) => entry.kind === kind).length;
        const toSlots = entries.filter((entry) => slotOfWrite(entry, recorded) !== undefined).length;
        console.log(
          `two upgrades on ${machine}: ${count("write")} writes (${toSlots} to slots), ${count("flush")} flushes; ${cuts.length} cuts at ${new Set(cuts).size} points judged (seed ${SEED}), ${problems.length} bricks`,
        );
        expect(problems).toEqual([]);

        await session.release("1.3.0", await session.edited("last", harmless("the last one")));
        if (BOOTED === 0) return takeLast(session);
        for (const [number, [name, at]] of [...named].slice(0, BOOTED).entries()) {
          const may = mayRunAfter(at, named, recorded);
          await bootCut(recorded, name, cutAt(entries, at, random), may, number >= BOOTED - FOLLOWED);
        }
      });
    },
    300 * MINUTE,
  );
});
