import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BOOT_STATE_BYTES, BOOT_STATE_OFFSETS, decodeBootState } from "../../lib/emulator/boot-state.ts";
import { applyWrite, type Cut, type LoggedWrite } from "../../lib/emulator/card/write-log.ts";
import { CARD_BYTES } from "../../lib/emulator/limits.ts";
import { readPartitionTable } from "../../lib/emulator/partition-table.ts";
import { processes } from "../../lib/external/process.ts";
import { readRange, setFileLength, writeRange } from "../../lib/external/ranges.ts";
import { machineAsked } from "./card-machine.ts";
import { editData } from "./data-partition.ts";
import { type Card, withCard } from "./powered-card.ts";
import { randomFrom } from "./random-numbers.ts";
import { copySparse, cutOn, found, makeWriteLog, recordedWrites } from "./recorded-writes.ts";
import { cacheDir } from "./surroundings.ts";

const MIB = 1024 ** 2;
/** Table and both copies of the state. */
const HEAD_BYTES = 8 * MIB;
const SEED = Number(process.env.PI_TEST_SEED ?? 20261122);
/** Cards that are judged, and how many of the named ones boot as well. */
const JUDGED = Number(process.env.PI_TEST_CUTS ?? 500);
const BOOTED = Number(process.env.PI_TEST_BOOTED ?? 6);

/** Where in the log a first boot is, by what it writes. */
function landmarks(entries: readonly LoggedWrite[], dataOffset: number): Map<string, number> {
  const after = (from: number, wanted: (entry: LoggedWrite) => boolean): number =>
    from + found(entries.slice(from).findIndex(wanted)) + 1;
  const at = (offset: number) => (entry: LoggedWrite) => entry.kind === "write" && entry.offset === offset;
  const table = after(0, at(0));
  const made = after(table, (entry) => entry.kind === "write" && entry.offset >= dataOffset);
  const fresh = after(made, at(BOOT_STATE_OFFSETS[0]));
  return new Map([
    ["table grown", table],
    ["file system half made", Math.floor((made + fresh) / 2)],
    ["before FRESH is cleared", fresh - 1],
    ["between its two copies", fresh],
    ["/var half filled", Math.floor((fresh + entries.length) / 2)],
    ["up and running", entries.length],
  ]);
}

interface Recorded {
  readonly card: Card;
  /** The card as it was before. */
  readonly before: string;
  readonly log: string;
  readonly entries: readonly LoggedWrite[];
}

async function recordFirstBoot(card: Card): Promise<Recorded> {
  const [before, log] = [join(card.bench.work, "before.img"), join(card.bench.work, "writes")];
  await copySparse(card.disk.path, before);
  await setFileLength(card.disk.path, CARD_BYTES);
  await makeWriteLog(log);
  await card.report({ writeLog: log });
  return { card, before, log, entries: await recordedWrites(log, card.machine) };
}

async function carryOut({ log }: Recorded, image: string, cut: Cut, done: number): Promise<void> {
  for (const write of cut.kept.slice(done)) await applyWrite(log, image, write);
  for (const { write, bytes } of cut.reached) await applyWrite(log, image, write, bytes);
}

/** Whether the next boot makes a working node of this card; what stands against it. */
async function judge({ card }: Recorded, image: string): Promise<string[]> {
  const table = readPartitionTable(await readRange(image, 0, 512));
  const original = readPartitionTable(await readRange(card.disk.path, 0, 512));
  const starts = table?.map((entry) => entry?.offset).join();
  if (starts !== original?.map((entry) => entry?.offset).join()) return ["the table is not whole"];
  const data = table?.[3];
  if (data === undefined || data.offset + data.bytes > CARD_BYTES) return ["data reaches past the card"];
  const copies = await Promise.all(
    BOOT_STATE_OFFSETS.map(async (offset) =>
      decodeBootState(await readRange(image, offset, BOOT_STATE_BYTES)),
    ),
  );
  const state = copies.find((copy) => copy !== undefined);
  if (state === undefined) return ["both copies of the boot state are torn"];
  // Whatever data holds, it is made anew.
  if (state.FRESH === "1") return [];
  if (data.bytes !== original?.[3]?.bytes) return ["FRESH is cleared, and data is not grown"];
  const mended = editData(card.bench, image, data.offset, ["stat /lost+found"]);
  const stdout = await mended.catch((error: unknown) => String(error));
  return stdout.includes("Type: directory") ? [] : [`data cannot be mended: ${stdout}`];
}

describe.runIf(cacheDir !== undefined)("a first boot whose power is cut", () => {
  test("ends in a working node on the next boot, wherever it was cut", async () => {
    const machine = machineAsked("virt");
    const cutAt = cutOn[machine];
    await withCard({ name: `first-boot-cuts-${machine}`, machine }, async (card) => {
      const recorded = await recordFirstBoot(card);
      const { entries, before } = recorded;
      const writes = entries.filter((entry) => entry.kind === "write");
      const flushes = entries.length - writes.length;
      const named = landmarks(entries, card.disk.data.offset);
      expect([...named.values()]).toEqual([...named.values()].sort((a, b) => a - b));

      // p1 and slot A are not written, so the cards that are only judged do without it.
      const work = (name: string) => join(card.bench.work, name);
      await processes.run({
        argv: ["truncate", "-s", String(CARD_BYTES), work("lean.img")],
        timeoutMs: 5_000,
      });
      await writeRange(work("lean.img"), 0, await readRange(before, 0, HEAD_BYTES));
      const random = randomFrom(SEED);
      // A first boot has fewer writes than that: on virt, one point is judged again with other writes lost.
      const points = Array.from({ length: JUDGED }, () => Math.floor(random() * (entries.length + 1)));
      const cuts = [...points, ...named.values()].sort((a, b) => a - b);
      const problems: string[] = [];
      let done = 0;
      for (const at of cuts) {
        const cut = cutAt(entries, at, random);
        await carryOut(recorded, work("lean.img"), { ...cut, reached: [] }, done);
        done = cut.kept.length;
        await copySparse(work("lean.img"), work("cut.img"));
        await carryOut(recorded, work("cut.img"), cut, done);
        problems.push(
          ...(await judge(recorded, work("cut.img"))).map((problem) => `cut at ${at}: ${problem}`),
        );
      }
      console.log(
        `first boot: ${writes.length} writes, ${flushes} flushes; ${cuts.length} cuts at ${new Set(cuts).size} points judged (seed ${SEED}), ${problems.length} bad`,
      );
      expect(problems).toEqual([]);

      for (const [name, at] of [...named].slice(0, BOOTED)) {
        await copySparse(before, card.disk.path);
        await carryOut(recorded, card.disk.path, cutAt(entries, at, random), 0);
        const report = await card.report();
        const { data, failedUnits, markedGood, bootState } = report;
        console.log(`cut: ${name} (${at} of ${entries.length}): data ${data.state}`);
        expect({ name, mounted: data.mounted, grown: data.grown, failedUnits, markedGood }).toEqual({
          ...{ name, mounted: true, grown: true, failedUnits: [], markedGood: true },
        });
        expect(bootState).toMatchObject({ valid: [true, true], equal: true, fresh: "0" });
      }
    });
  });
});
