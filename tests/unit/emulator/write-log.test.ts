import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  applyWrite,
  cutAfter,
  cutInOrder,
  dataOf,
  joinSectors,
  type LoggedWrite,
  readWriteLog,
} from "../../../lib/emulator/card/write-log.ts";

const SECTOR = 512;
const FLAG = { flush: 1, through: 2, discard: 4 } as const;

function head(): Buffer {
  const sector = Buffer.alloc(SECTOR);
  sector.writeBigUInt64LE(0x6a736677736872n, 0);
  sector.writeBigUInt64LE(1n, 8);
  sector.writeUInt32LE(SECTOR, 24);
  return sector;
}

function entry(sector: number, sectors: number, flags: number, fill?: number): Buffer {
  const own = Buffer.alloc(SECTOR);
  for (const [index, value] of [sector, sectors, flags, 0].entries()) {
    own.writeBigUInt64LE(BigInt(value), index * 8);
  }
  return fill === undefined ? own : Buffer.concat([own, Buffer.alloc(sectors * SECTOR, fill)]);
}

describe("a log of writes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "log-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const log = (...parts: Buffer[]): string => {
    const file = join(folder, "log");
    writeFileSync(file, Buffer.concat(parts));
    return file;
  };

  it("is read entry by entry, and carried out on a card", async () => {
    const file = log(
      head(),
      entry(2, 2, 0, 0xaa),
      entry(0, 0, FLAG.flush),
      entry(9, 4, FLAG.discard),
      entry(1, 1, FLAG.flush | FLAG.through, 0xbb),
    );
    const entries = await readWriteLog(file);
    expect(entries.map(({ kind, offset, bytes, through }) => [kind, offset, bytes, through])).toEqual([
      ["write", 1024, 1024, false],
      ["flush", 0, 0, false],
      ["discard", 4608, 2048, false],
      // A flush that comes with a write is done before it.
      ["flush", 512, 0, true],
      ["write", 512, 512, true],
    ]);
    const card = join(folder, "card");
    writeFileSync(card, Buffer.alloc(8 * SECTOR));
    for (const write of entries) await applyWrite(file, card, write);
    const bytes = readFileSync(card);
    expect([0, 1, 2, 3, 4].map((sector) => bytes[sector * SECTOR])).toEqual([0, 0xbb, 0xaa, 0xaa, 0]);
  });

  it("is put together where a card writes sector by sector, and read as it was written", async () => {
    const file = log(
      head(),
      entry(4, 1, 0, 0x01),
      entry(5, 1, 0, 0x02),
      entry(6, 1, 0, 0x03),
      // Not where the last one ended.
      entry(5, 1, 0, 0x04),
      // More than a sector comes from elsewhere.
      entry(6, 2, 0, 0x05),
    );
    const joined = joinSectors(await readWriteLog(file));
    expect(joined.map(({ offset, bytes }) => [offset / SECTOR, bytes / SECTOR])).toEqual([
      [4, 3],
      [5, 1],
      [6, 2],
    ]);
    const data = await Promise.all(joined.map((write) => dataOf(file, write)));
    expect(data.map((one) => one.filter((_, at) => at % SECTOR === SECTOR - 1))).toEqual(
      [[1, 2, 3], [4], [5, 5]].map((bytes) => Buffer.from(bytes)),
    );
    const [first] = joined;
    if (first === undefined) throw new Error("nothing was read");
    const torn = await dataOf(file, first, 2 * SECTOR);
    expect([torn.length, torn[0], torn[SECTOR]]).toEqual([2 * SECTOR, 1, 2]);
  });

  it("of another form is refused", async () => {
    await expect(readWriteLog(log(Buffer.alloc(4096)))).rejects.toMatchObject({ code: "CARD" });
  });
});

describe("cutAfter", () => {
  const kinds = fc.constantFrom("write", "flush", "discard") satisfies fc.Arbitrary<LoggedWrite["kind"]>;
  const entries = fc.array(
    fc.record({
      kind: kinds,
      offset: fc.constant(0),
      bytes: fc.integer({ min: 1, max: 8 }).map((sectors) => sectors * SECTOR),
      dataOffset: fc.nat(),
      through: fc.boolean(),
    }),
    { maxLength: 30 },
  );

  it("loses nothing before the last flush and nothing written through, and tears between sectors only", () => {
    fc.assert(
      fc.property(
        entries,
        fc.nat(30),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (all, at, chance) => {
          const cut = cutAfter(all, at, () => chance.next().value ?? 0);
          const sent = all.slice(0, at);
          expect(cut.kept).toEqual(sent.slice(0, cut.kept.length));
          const late = sent.slice(cut.kept.length);
          expect(late.some((entry) => entry.kind === "flush")).toBe(false);
          for (const entry of late.filter(({ kind, through }) => kind === "write" && through)) {
            expect(cut.reached).toContainEqual({ write: entry, bytes: entry.bytes });
          }
          for (const { write, bytes } of cut.reached) {
            expect(late).toContain(write);
            expect(bytes % SECTOR).toBe(0);
            expect(bytes).toBeLessThanOrEqual(write.bytes);
          }
        },
      ),
    );
  });
});

describe("cutInOrder", () => {
  const writes = [3, 1, 4].map(
    (sectors, at): LoggedWrite => ({
      ...{ kind: "write", offset: 0, bytes: sectors * SECTOR, dataOffset: at, through: false },
    }),
  );

  it("keeps what was written, and tears the next write between two sectors", () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(writes.length), random, (at, chance) => {
        const { kept, reached } = cutInOrder(writes, at, () => chance);
        expect(kept).toEqual(writes.slice(0, at));
        expect(reached.map(({ write }) => write)).toEqual(writes.slice(at, at + 1));
        for (const { write, bytes } of reached) {
          expect(bytes % SECTOR).toBe(0);
          expect(bytes).toBeLessThan(write.bytes);
        }
      }),
    );
  });
});
