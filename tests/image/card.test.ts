import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeBootState } from "../../lib/emulator/boot-state.ts";
import { readOnP1, removeFromP1, truncateOnP1 } from "../../lib/emulator/card/p1.ts";
import {
  copySlotAToB,
  readInSlot,
  removeInSlot,
  replaceInSlot,
  replaceSlotScript,
  truncateInSlot,
} from "../../lib/emulator/card/slot.ts";
import { readBootStateBytes, tear, writeBootState } from "../../lib/emulator/card/state.ts";
import { type Bench, copyImage, type Disk, listP1, putOnP1, runTool } from "../../lib/emulator/disk.ts";
import { PoweredMachine } from "../../lib/emulator/power.ts";
import { prepare } from "../../lib/emulator/prepare.ts";
import { shortParent, withScratch } from "../../lib/external/scratch.ts";
import { makeStandInImage } from "./stand-in-image.ts";
import { testTools, world } from "./surroundings.ts";

// Changing a card: with the real mkenvimage, mtools and debugfs, and U-Boot as the witness.
const tools = await testTools();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (content: string): Uint8Array => Buffer.from(content, "latin1");

describe.runIf(tools !== undefined)("a card", () => {
  let bench: Bench;
  let folder: string;
  beforeAll(async () => {
    if (tools === undefined) throw new Error("no tools");
    folder = await mkdtemp(join(tmpdir(), "card-"));
    bench = { tools, world, work: folder };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A card whose slot A is a small ext4 of the options every slot has. */
  async function cardWithSlot(): Promise<Disk> {
    const disk = await copyImage(bench, await makeStandInImage(bench, "card", "reset\n"));
    const root = join(folder, "root");
    await runTool(bench, ["mkdir", "-p", join(root, "boot")]);
    await writeFile(join(root, "boot/slot.scr"), "the first script");
    await runTool(bench, ["ln", "-sf", "none", join(root, "init")]);
    const features = "^has_journal,^orphan_file,^metadata_csum_seed";
    const offset = `offset=${disk.slotA.offset}`;
    await runTool(bench, [
      "mke2fs",
      "-q",
      "-t",
      "ext4",
      "-O",
      features,
      "-E",
      offset,
      "-d",
      root,
      disk.path,
      "1m",
    ]);
    return disk;
  }

  test("a boot state is written as mkenvimage does", async () => {
    const values = { BOOT_ORDER: "B A", BOOT_A_LEFT: "3", BOOT_B_LEFT: "0", FRESH: "0", CONTRACT: "1" };
    const source = join(folder, "state.txt");
    await writeFile(
      source,
      Object.entries(values)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    );
    await runTool(bench, ["mkenvimage", "-s", "512", "-o", join(folder, "state.bin"), source]);
    expect(text(encodeBootState(values))).toBe(text(await readFile(join(folder, "state.bin"))));
  });

  test("files of p1 are read, cut and removed", async () => {
    const disk = await copyImage(bench, await makeStandInImage(bench, "p1", "reset\n"));
    const script = await readOnP1(bench, disk, "boot.scr");
    await truncateOnP1(bench, disk, "boot.scr", 70);
    expect(text(await readOnP1(bench, disk, "boot.scr"))).toBe(text(script.subarray(0, 70)));
    await putOnP1(bench, disk, "boot.scr", bytes("\xff\0\n\r\x1a"));
    expect(text(await readOnP1(bench, disk, "boot.scr"))).toBe("\xff\0\n\r\x1a");
    await removeFromP1(bench, disk, "boot.scr");
    expect(await listP1(bench, disk)).toEqual([]);
    await expect(removeFromP1(bench, disk, "boot.scr")).rejects.toMatchObject({ code: "CARD" });
    await expect(truncateOnP1(bench, disk, "boot.scr", 1)).rejects.toMatchObject({ code: "CARD" });
  });

  test("files of a slot are read, replaced, cut and removed; its file system stays whole", async () => {
    const disk = await cardWithSlot();
    await replaceInSlot(bench, disk, "A", "/boot/slot.scr", bytes("another\0script"));
    expect(text(await readInSlot(bench, disk, "A", "/boot/slot.scr"))).toBe("another\0script");
    await truncateInSlot(bench, disk, "A", "/boot/slot.scr", 3);
    expect(text(await readInSlot(bench, disk, "A", "/boot/slot.scr"))).toBe("ano");
    await copySlotAToB(disk);
    await removeInSlot(bench, disk, "A", "/boot/slot.scr");
    await removeInSlot(bench, disk, "A", "/init");
    await expect(readInSlot(bench, disk, "A", "/boot/slot.scr")).rejects.toMatchObject({ code: "CARD" });
    await expect(removeInSlot(bench, disk, "A", "/init")).rejects.toMatchObject({ code: "CARD" });
    await replaceSlotScript(bench, disk, "B", "echo from B\n");
    expect(text(await readInSlot(bench, disk, "B", "/boot/slot.scr"))).toContain("echo from B\n");
    for (const { offset } of [disk.slotA, disk.slotB]) {
      await runTool(bench, ["e2fsck", "-fn", `${disk.path}?offset=${offset}`]);
    }
  });

  test("a file that does not fit into its slot is told", async () => {
    const disk = await cardWithSlot();
    const large = new Uint8Array(2 * 1024 ** 2).fill(1);
    await expect(replaceInSlot(bench, disk, "A", "/boot/slot.scr", large)).rejects.toMatchObject({
      code: "CARD",
    });
  });

  test("a machine that is paused and reset sees the card as it was changed meanwhile", async () => {
    const script = `virtio dev 0
virtio read 0x40800000 0x10 1
if env import -c 0x40800000 0x200 WORD; then echo "the word is \${WORD}"; else echo "torn"; fi
while true; do sleep 1; done
`;
    const image = await makeStandInImage(bench, "reset", script);
    const { disk, dtb, firmware } = await prepare(bench, {
      ...{ machine: "virt", image, identityText: undefined, report: false },
    });
    const old = encodeBootState({ WORD: "one" });
    const next = encodeBootState({ WORD: "two" });
    const seen: string[] = [];
    await writeBootState(disk, 0, old);
    await withScratch(shortParent(), "pi-", async (socketFolder) => {
      const powered = await PoweredMachine.on(bench, {
        ...{ machine: "virt", disk: disk.path, dtb, firmware, socketFolder, log: () => undefined },
        qmpSocket: join(socketFolder, "qmp.sock"),
      });
      const word = () => powered.console.waitForText(/^(the word is \w\w\w|torn)/, "the word", 60_000);
      try {
        seen.push(await word());
        for (const state of [tear(old, next, 10), next]) {
          await powered.pause();
          await writeBootState(disk, 0, state);
          await powered.reset();
          seen.push(await word());
        }
      } finally {
        await powered.cut();
      }
    });
    expect(seen).toEqual(["the word is one", "torn", "the word is two"]);
    expect(text(await readBootStateBytes(disk, 0))).toBe(text(next));
  });
});
