import { join } from "node:path";
import { BOOT_STATE_BYTES, BOOT_STATE_OFFSETS, decodeBootState } from "../../lib/emulator/boot-state.ts";
import { chooseSlot } from "../../lib/emulator/card/choose-slot.ts";
import type { SlotName } from "../../lib/emulator/card/slot.ts";
import { applyWrite, type Cut, type LoggedWrite } from "../../lib/emulator/card/write-log.ts";
import { CARD_BYTES } from "../../lib/emulator/limits.ts";
import { readPartitionTable } from "../../lib/emulator/partition-table.ts";
import { processes } from "../../lib/external/process.ts";
import { readRange, sha256OfRange } from "../../lib/external/ranges.ts";
import { decodeCopy } from "../../updater/state/file.ts";
import type { State } from "../../updater/state/record.ts";
import { readData } from "./data-partition.ts";
import { type Recorded, slotOfWrite } from "./recorded-upgrades.ts";
import { copySparse } from "./recorded-writes.ts";

const MINUTE = 60_000;
const HEAD_BYTES = 8 * 1024 ** 2;

/**
 * Walks once through recorded writes and judges the card at each cut. The card is kept in parts, so that a cut costs
 * little: head and data in one sparse file that is copied for each, both slots in files of their own.
 */
export class CutCards {
  readonly #recorded: Recorded;
  readonly #card: string;
  readonly #slots: Readonly<Record<SlotName, string>>;
  #done = 0;
  readonly #writes: Record<SlotName, number> = { A: 0, B: 0 };
  readonly #digests = new Map<string, string>();

  private constructor(recorded: Recorded) {
    const { work } = recorded.session.node.bench;
    this.#recorded = recorded;
    this.#card = join(work, "lean.img");
    this.#slots = { A: join(work, "lean-a.img"), B: join(work, "lean-b.img") };
  }

  static async of(recorded: Recorded): Promise<CutCards> {
    const cards = new CutCards(recorded);
    const { slotA, slotB, data } = recorded.session.node.disk;
    await cards.#take(cards.#card, [
      [0, HEAD_BYTES, 0],
      [data.offset, CARD_BYTES - data.offset, data.offset],
    ]);
    await cards.#take(cards.#slots.A, [[slotA.offset, slotA.bytes, 0]]);
    await cards.#take(cards.#slots.B, [[slotB.offset, slotB.bytes, 0]]);
    return cards;
  }

  /** A sparse file with parts of the flashed card: from, how many bytes, to. */
  async #take(path: string, parts: readonly (readonly [number, number, number])[]): Promise<void> {
    await processes.run({ argv: ["truncate", "-s", String(CARD_BYTES), path], timeoutMs: MINUTE });
    for (const [from, bytes, to] of parts) {
      await processes.run({
        argv: [
          ...(["dd", `if=${this.#recorded.before}`, `of=${path}`, "bs=1M", "conv=notrunc,sparse"] as const),
          ...["status=none", `skip=${from}`, `count=${bytes}`, `seek=${to}`],
          ...["iflag=skip_bytes,count_bytes", "oflag=seek_bytes"],
        ],
        timeoutMs: 5 * MINUTE,
      });
    }
  }

  async #keep(write: LoggedWrite): Promise<void> {
    const { log, session } = this.#recorded;
    const slot = slotOfWrite(write, this.#recorded);
    if (slot === undefined) return applyWrite(log, this.#card, write);
    const { slotA, slotB } = session.node.disk;
    const start = slot === "A" ? slotA.offset : slotB.offset;
    this.#writes[slot] += 1;
    await applyWrite(log, this.#slots[slot], { ...write, offset: write.offset - start });
  }

  /**
   * What stands against the card that a cut leaves. Cuts come in the order of the log. `young`: no build was committed
   * yet, so the updater may know nothing.
   */
  async judge(cut: Cut, young: boolean): Promise<string[]> {
    for (const write of cut.kept.slice(this.#done)) await this.#keep(write);
    this.#done = cut.kept.length;
    const card = join(this.#recorded.session.node.bench.work, "cut.img");
    await copySparse(this.#card, card);
    const torn = new Set<SlotName>();
    for (const { write, bytes } of cut.reached) {
      const slot = slotOfWrite(write, this.#recorded);
      if (slot === undefined) await applyWrite(this.#recorded.log, card, write, bytes);
      else torn.add(slot);
    }
    return [...(await this.#judgeHead(card, torn)), ...(await this.#judgeData(card, young))];
  }

  async #judgeHead(card: string, torn: ReadonlySet<SlotName>): Promise<string[]> {
    const { disk } = this.#recorded.session.node;
    const table = readPartitionTable(await readRange(card, 0, 512));
    if (table?.[3]?.offset !== disk.data.offset) return ["the table is not whole"];
    const [first, second] = await readStates(card);
    if (first === undefined && second === undefined) return ["both copies of the boot state are torn"];
    const { slot } = chooseSlot([first, second]);
    if (slot === undefined) return ["no slot has attempts left"];
    if (torn.has(slot)) return [`slot ${slot} is chosen while it is written`];
    const known = [...this.#recorded.slots.values()].includes(await this.#digestOf(slot));
    return known ? [] : [`slot ${slot} is chosen, and holds no complete system`];
  }

  async #digestOf(slot: SlotName): Promise<string> {
    const key = `${slot} ${this.#writes[slot]}`;
    const digest =
      this.#digests.get(key) ?? (await sha256OfRange(this.#slots[slot], 0, this.#recorded.slotBytes));
    this.#digests.set(key, digest);
    return digest;
  }

  async #judgeData(card: string, young: boolean): Promise<string[]> {
    // A first boot that is begun anew makes data anew.
    if (young && (await readStates(card)).find((copy) => copy !== undefined)?.FRESH === "1") return [];
    const { session, builds } = this.#recorded;
    const { bench, disk } = session.node;
    let texts: readonly string[];
    try {
      texts = await readData(bench, card, disk.data.offset, ["/update/state-1.json", "/update/state-2.json"]);
    } catch (error) {
      return [`data cannot be mended: ${error}`];
    }
    const copies = texts.flatMap((text) => decodeCopy(text) ?? []);
    const newest = copies.sort((a, b) => b.turn - a.turn)[0];
    if (newest === undefined) return young ? [] : ["the updater remembers nothing"];
    if (young && newest.state.committed === undefined) return [];
    if (!isKnown(newest.state, builds)) return [`the updater remembers ${JSON.stringify(newest.state)}`];
    const { committed, trial } = newest.state;
    const { slot } = chooseSlot(await readStates(card));
    const early = trial?.phase === "installing" && slot !== committed?.slot;
    return early ? [`slot ${slot} is chosen, and was not read back yet`] : [];
  }
}

async function readStates(card: string) {
  const read = async (offset: number) => decodeBootState(await readRange(card, offset, BOOT_STATE_BYTES));
  return [await read(BOOT_STATE_OFFSETS[0]), await read(BOOT_STATE_OFFSETS[1])] as const;
}

/** One of the states between the releases, each as it was written: old or new, nothing in between. */
function isKnown({ committed, trial, failed }: State, builds: Recorded["builds"]): boolean {
  const onTrial = trial === undefined ? [] : [trial.buildId];
  const hasFailed = failed.map(({ buildId }) => buildId);
  if (committed?.buildId === builds.first)
    return hasFailed.length === 0 && onTrial.every((id) => id === builds.good);
  if (committed?.buildId !== builds.good) return false;
  return (
    [...onTrial, ...hasFailed].every((id) => id === builds.bad) && onTrial.length + hasFailed.length <= 1
  );
}
