import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { runTool } from "../../lib/emulator/disk.ts";
import type { Report } from "../../lib/emulator/report.ts";
import { processes } from "../../lib/external/process.ts";
import { setFileLength, sha256OfRange, sizeOfFile } from "../../lib/external/ranges.ts";
import { editData } from "./data-partition.ts";
import { type Card, withCard } from "./powered-card.ts";
import { cacheDir } from "./surroundings.ts";

const MIB = 1024 ** 2;
/** By the disk contract: the smallest card that is taken. */
const SMALLEST_SECTORS = 15_000_000;

const onData = (card: Card, requests: readonly string[]) =>
  editData(card.bench, card.disk.path, card.disk.data.offset, requests);

const putMarker = (card: Card) => onData(card, ["write /dev/null marker"]);
const hasMarker = async (card: Card): Promise<boolean> => / marker\b/.test(await onData(card, ["ls -l /"]));

/** What a person does who flashes a used card: the image over whatever was there, nothing behind it. */
async function flashAgain(card: Card): Promise<void> {
  const { bench, disk, image } = card;
  const script = 'zstd -dqc "$1" | dd of="$2" bs=1M conv=notrunc status=none';
  const binds = [{ source: bench.work }, { source: dirname(image), readOnly: true }];
  const command = bench.tools.command(["sh", "-c", script, "sh", image, disk.path], {
    binds,
    timeoutMs: 120_000,
  });
  await processes.run(command);
}

const zeros = (card: Card, offset: number, bytes: number) =>
  processes.run({
    argv: [
      ...(["dd", "if=/dev/zero", `of=${card.disk.path}`, "conv=notrunc", "status=none"] as const),
      ...["bs=4096", "oflag=seek_bytes", `seek=${offset}`, `count=${bytes / 4096}`],
    ],
    timeoutMs: 60_000,
  });

function well(report: Report): void {
  expect(report.failedUnits).toEqual([]);
  expect(report.markedGood).toBe(true);
}

describe.runIf(cacheDir !== undefined)("data of a node", () => {
  test("of a card that was flashed again is made anew, and kept where p1 says so", async () => {
    await withCard({ name: "flashed-again" }, async (card) => {
      expect((await card.report()).data).toMatchObject({ state: "fresh", grown: true });
      await putMarker(card);
      expect(await hasMarker(card)).toBe(true);
      await flashAgain(card);
      expect((await card.report()).data).toMatchObject({ state: "fresh", grown: true });
      expect(await hasMarker(card)).toBe(false);

      await putMarker(card);
      await flashAgain(card);
      await runTool(card.bench, ["mcopy", "-i", `${card.disk.path}@@${8 * MIB}`, "/dev/null", "::keep-data"]);
      const kept = await card.report();
      expect(kept.data).toMatchObject({ state: "kept", grown: true, mounted: true });
      well(kept);
      expect(await hasMarker(card)).toBe(true);
    });
  });

  test("with a broken superblock is mended; wiped out, the node is still reachable and says so", async () => {
    await withCard({ name: "damaged-data", identity: true }, async (card) => {
      well(await card.report());
      await putMarker(card);
      await zeros(card, card.disk.data.offset, 4096);
      const mended = await card.report();
      expect(mended.data).toMatchObject({ state: "repaired", mounted: true });
      expect(mended.identity).toEqual({ present: true, keys: 1 });
      well(mended);
      expect(await hasMarker(card)).toBe(true);

      await zeros(card, card.disk.data.offset, 3 * 1024 * MIB);
      await card.powered(async (node) => {
        const lost = await node.report();
        expect(lost.data).toMatchObject({ state: "tmpfs", mounted: false });
        expect(lost.data.reason).toMatch(/vda4 cannot be (repaired|mounted)/);
        // By what stayed on p1: data is gone, and with it what was kept there.
        expect(lost.identity).toEqual({ present: true, keys: 1 });
        expect(await node.ssh("cat /run/issue.d/10-home-pi.issue")).toContain("NOT KEPT, in memory only");
      });
    });
  });

  test("without a free byte, and without a free inode: the node works, is reachable and says so", async () => {
    await withCard({ name: "full-data", identity: true }, async (card) => {
      well(await card.report());
      await card.powered(async (node) => {
        await node.report();
        const free = "$(stat -f -c %f /data) * $(stat -f -c %S /data)";
        await node.ssh(`fallocate -l $((${free} * 99 / 100)) /data/filler`);
        await node.ssh("dd if=/dev/zero of=/data/filler2 bs=4k; sync", [0, 1]);
      });
      await card.powered(async (node) => {
        const full = await node.report();
        expect(full.data).toMatchObject({ mounted: true, freeBytes: 0 });
        well(full);
        expect(await node.ssh("cat /run/issue.d/10-home-pi.issue")).toContain("data      FULL: 0 MiB free");
        await node.ssh("rm /data/filler /data/filler2");
      });
      await noInodeLeft(card);
      await card.powered(async (node) => {
        const full = await node.report();
        expect(full.data.mounted).toBe(true);
        expect(full.data.freeInodes).toBeLessThan(3);
        well(full);
        expect(await node.ssh("cat /run/issue.d/10-home-pi.issue")).toMatch(
          /data {6}FULL: room for \d more files/,
        );
      });
    });
  });

  test("is on the disk U-Boot started from, with an identical one beside it in either order", async () => {
    await withCard({ name: "second-disk", identity: true }, async (card) => {
      const other = join(card.bench.work, "other.img");
      await cp(card.disk.path, other);
      // What a node writes on a card: boot state and table, and the start of data.
      const written = async (path: string): Promise<string> => {
        const { offset } = card.disk.data;
        return `${await sha256OfRange(path, 0, 8 * MIB)} ${await sha256OfRange(path, offset, offset + 256 * MIB)}`;
      };
      for (const found of ["before", "after"] as const) {
        const before = [await written(card.disk.path), await written(other)];
        const report = await card.report({ secondDisk: { path: other, found } });
        expect(report.data.state).toBe("fresh");
        well(report);
        const after = [await written(card.disk.path), await written(other)];
        // One of them was used, and only that one was written.
        expect(after.filter((digest, index) => digest === before[index])).toHaveLength(1);
      }
    });
  });

  test("is not begun on a card that is a sector too small", async () => {
    await withCard({ name: "small-card" }, async (card) => {
      await setFileLength(card.disk.path, (SMALLEST_SECTORS - 1) * 512);
      await card.powered(async (node) => {
        await node.waitForText(
          /this card is too small: 14999999 sectors of 512 bytes, at least 15000000 are needed/,
          180_000,
        );
        // And starts again after a minute, for whoever puts another card in.
        await node.waitForText(/^U-Boot 20/, 120_000);
      });
      await setFileLength(card.disk.path, SMALLEST_SECTORS * 512);
      expect((await card.report()).data).toMatchObject({ state: "fresh", grown: true });
    });
  });
});

/** Makes data's file system anew around what it holds, with no inode to spare. */
async function noInodeLeft(card: Card): Promise<void> {
  const { bench, disk } = card;
  const script = `
    set -eu
    mkdir tree && debugfs -R "rdump / tree" "$1?offset=$2" && rm -r tree/lost+found
    inodes=$(($(find tree | wc -l) + 12))
    mke2fs -q -F -t ext4 -L data -N "$inodes" -d tree -E "offset=$2" "$1" "$3k"
    left=$(debugfs -R "show_super_stats -h" "$1?offset=$2" 2>/dev/null | sed -n 's/^Free inodes: *//p')
    while [ "$left" -gt 0 ]; do left=$((left - 1)); echo "write /dev/null none-$left"; done >requests
    debugfs -w -f requests "$1?offset=$2" >/dev/null 2>&1
    rm -r tree`;
  const kib = (await sizeOfFile(disk.path)) / 1024 - disk.data.offset / 1024;
  await runTool(bench, ["sh", "-c", script, "sh", disk.path, String(disk.data.offset), String(kib)]);
}
