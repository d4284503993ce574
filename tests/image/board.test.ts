import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, copyImage, type Disk, listP1, P1_OFFSET, takeFromP1 } from "../../lib/emulator/disk.ts";
import { findBuiltImage } from "../../lib/emulator/find-image.ts";
import { readPartitionTable } from "../../lib/emulator/partition-table.ts";
import { readRange } from "../../lib/external/ranges.ts";
import { describeFailure } from "../../lib/failure.ts";
import { boardFacts } from "../../lib/image/board/board-facts.ts";
import { judgeBootPartition } from "../../lib/image/board/boot-partition.ts";
import { checkSlot, readSlotParts } from "../../lib/image/board/check-slot.ts";
import { nodesOf, parseDeviceTree, strings } from "../../lib/image/board/device-tree.ts";
import { parseSupportedTrees } from "../../lib/image/board/device-tree-list.ts";
import { findLacks, type SlotParts } from "../../lib/image/board/find-lacks.ts";
import { parseFirmwareConfig } from "../../lib/image/board/firmware-config.ts";
import { firmwareFiles, piModels } from "../../lib/image/board/models.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import { takeFromSlot } from "./slot-files.ts";
import { cacheDir, testTools, world } from "./surroundings.ts";

const BOARD = "rpi-arm64";
const found = await testTools();
const profile = process.env.PI_TEST_PROFILE ?? "agent";
const facts = boardFacts(BOARD);
const trees = parseSupportedTrees(await readFile(`boards/${BOARD}/boot/dtbs.txt`, "utf8"));

describe.runIf(found !== undefined && cacheDir !== undefined)(
  `the boards the image of ${profile} is for`,
  () => {
    let folder: string;
    let tools: ToolsTree;
    let image: string;
    beforeAll(async () => {
      if (found === undefined) throw new Error("no tools");
      tools = found;
      folder = await mkdtemp(join(tmpdir(), "board-"));
      ({ image } = await findBuiltImage(cacheDir ?? "", { cluster: "home", profile, board: BOARD }));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));
    const run = (argv: readonly [string, ...string[]]) =>
      world.processes.run(
        tools.command(argv, { binds: [{ source: folder }], cwd: folder, timeoutMs: 60_000 }),
      );

    describe("from their device trees to the root file system", () => {
      let slot: SlotParts;
      beforeAll(async () => {
        const file = join(image, "../slot.ext4");
        await takeFromSlot(tools, file, ["/boot/"], folder);
        const config = (await readdir(join(folder, "boot"))).find((name) => name.startsWith("config-")) ?? "";
        const lists = ["alias", "dep", "softdep", "builtin", "builtin.modinfo"].map(
          (name) => `/usr/lib/modules/${config.replace("config-", "")}/modules.${name}`,
        );
        await takeFromSlot(tools, file, lists, folder);
        slot = await readSlotParts(folder, BOARD);
      });
      const lacksWithout = (module: string): string[] => {
        const path = slot.modules.path(module);
        expect([...slot.initramfs]).toContain(path);
        const initramfs = new Set([...slot.initramfs].filter((one) => one !== path));
        if (facts === undefined) throw new Error("no facts");
        const lacks = findLacks(facts, { ...slot, initramfs }).filter((lack) => lack.module === module);
        return [...new Set(lacks.map((lack) => lack.dtb ?? "every board"))].sort();
      };
      const boards = (pattern: RegExp) =>
        [...slot.deviceTrees.keys()].filter((name) => pattern.test(name)).sort();

      test("have every driver in the kernel or the initramfs", () => {
        expect([...slot.deviceTrees.keys()]).toEqual(trees.map(({ inSlot }) => inSlot));
        expect(facts === undefined ? ["no facts"] : findLacks(facts, slot)).toEqual([]);
      });

      test("would not start without the modules on their way, and the others still would", () => {
        expect(lacksWithout("sdhci_iproc")).toEqual(boards(/bcm2711/));
        expect(lacksWithout("sdhci")).toEqual(boards(/bcm2711/));
        expect(lacksWithout("gpio_regulator")).toEqual(boards(/bcm2711/));
        expect(lacksWithout("bcm2835")).toEqual(boards(/bcm2837/));
        // The CM4 has a socket for PCIe cards in place of the VL805, and its USB is the Pi 3's.
        expect(lacksWithout("reset_raspberrypi")).toEqual(boards(/rpi-4/));
        expect(lacksWithout("dwc2")).toEqual(boards(/bcm2837|cm4/));
        expect(lacksWithout("xhci_pci")).toEqual(boards(/bcm2711/));
        expect(lacksWithout("sd_mod")).toEqual(boards(/./));
        expect(lacksWithout("bcm2835_wdt")).toEqual(boards(/./));
        expect(lacksWithout("ext4")).toEqual(["every board"]);
        expect(lacksWithout("nls_ascii")).toEqual(["every board"]);
      });

      test("would not start with a kernel without one of the drivers that are built in", () => {
        const without = (missing: string): string[] =>
          findLacks(facts ?? { needs: [], modules: {} }, {
            ...slot,
            builtIn: (compatible) => compatible !== missing && slot.builtIn(compatible),
          }).map((lack) => lack.dtb ?? "every board");
        expect(new Set(without("brcm,bcm2711-pcie"))).toEqual(new Set(boards(/bcm2711/)));
        expect(new Set(without("raspberrypi,firmware-gpio"))).toEqual(new Set(boards(/bcm2711/)));
        expect(new Set(without("brcm,bcm2835-dma"))).toEqual(new Set(boards(/bcm2837/)));
      });

      test("read as dtc's own tool reads them", async () => {
        for (const name of boards(/./)) {
          const file = join(folder, "boot/dtbs/broadcom", name);
          const nodes = nodesOf(parseDeviceTree(await readFile(file))).filter((node) =>
            node.properties.has("compatible"),
          );
          expect(nodes.length).toBeGreaterThan(40);
          const asked = nodes.flatMap((node) => [node.path, "compatible"]);
          const { stdout } = await run(["fdtget", "-t", "s", file, ...asked]);
          const read = nodes.map((node) => strings(node, "compatible").join(" "));
          expect(stdout.trimEnd().split("\n")).toEqual(read);
        }
      });

      test("are kept from an image that lacks one, by the build", async () => {
        const tree = join(folder, "tree");
        await mkdir(join(tree, "usr/lib"), { recursive: true });
        await cp(join(folder, "boot"), join(tree, "boot"), { recursive: true });
        await cp(join(folder, "usr/lib/modules"), join(tree, "usr/lib/modules"), { recursive: true });
        const [version = ""] = await readdir(join(tree, "usr/lib/modules"));
        const root = join(folder, "initramfs");
        for (const path of slot.initramfs) {
          if (!path.includes(".ko") || path.includes("sdhci-iproc")) continue;
          const to = join(root, "usr/lib/modules", version, path);
          await mkdir(join(to, ".."), { recursive: true });
          // Only its name counts.
          await writeFile(to, "");
        }
        const pack = `cd ${root} && find . | cpio -o -H newc --quiet | zstd -q >${tree}/boot/initrd.img`;
        await run(["sh", "-c", pack]);
        await run(["tar", "-C", tree, "-cf", join(folder, "tree.tar"), "./boot", "./usr"]);
        const work = join(folder, "work");
        await mkdir(work);
        const refused = await checkSlot(
          { profile, board: BOARD, tree: join(folder, "tree.tar"), folder: work },
          async (argv) => void (await run(argv)),
        ).then(() => undefined, describeFailure);
        expect(refused).toEqual([
          `a node with the image of ${profile} would not find its root file system`,
          `  ${trees
            .map(({ inSlot }) => inSlot)
            .filter((name) => name.includes("2711"))
            .join(", ")}: ` +
            'for the SD card: /emmc2bus/mmc@7e340000 "brcm,bcm2711-emmc2" needs the module sdhci_iproc: ' +
            "the initramfs does not hold it",
          `  fix: add sdhci_iproc to boards/${BOARD}/initramfs-tools/modules`,
        ]);
      });
    });

    describe("from their boot ROM to U-Boot's script", () => {
      let bench: Bench;
      let disk: Disk;
      let files: string[];
      beforeAll(async () => {
        bench = { tools, world, work: await mkdtemp(join(folder, "p1-")) };
        disk = await copyImage(bench, image);
        files = await listP1(bench, disk);
      });
      const taken = async (name: string): Promise<Buffer> => readFile(await takeFromP1(bench, disk, name));

      test("find on p1 what they look for", async () => {
        const [boot] = readPartitionTable(await readRange(disk.path, 0, 512)) ?? [];
        const deviceTrees = new Map(
          await Promise.all(
            piModels.map(async ({ dtb }) => [dtb, parseDeviceTree(await taken(dtb))] as const),
          ),
        );
        const found = judgeBootPartition(
          {
            bytes: boot?.bytes ?? 0,
            type: boot?.type ?? 0,
            bootSector: Buffer.from(await readRange(disk.path, P1_OFFSET, 512)),
            files: new Set(files),
            config: parseFirmwareConfig((await taken("config.txt")).toString()),
            environment: await taken("uboot.env"),
            deviceTrees,
          },
          piModels,
        );
        expect(found).toEqual([]);
      });

      test("are asked for by the names firmware and U-Boot know", async () => {
        const uboot = await taken("u-boot.bin");
        for (const { inSlot } of trees) expect(uboot.includes(`\0broadcom/${inSlot}\0`), inSlot).toBe(true);
        for (const { soc, dtb } of piModels) {
          const firmware = await taken(firmwareFiles(soc)[0]);
          expect(firmware.includes("bcm%d-rpi-%s.dtb\0")).toBe(true);
          expect(firmware.includes(`\0${dtb.replace(/^bcm\d+-rpi-(.*)\.dtb$/, "$1")}\0`), dtb).toBe(true);
        }
      });

      test("have the environment U-Boot was configured for", async () => {
        const cores = (await readdir(join(cacheDir ?? "", "core"), { withFileTypes: true })).filter((entry) =>
          entry.isDirectory(),
        );
        const docs = "firmware/usr/share/doc/u-boot-rpi/configs/config.rpi_arm64.gz";
        expect(cores.length).toBeGreaterThan(0);
        for (const core of cores) {
          const config = gunzipSync(await readFile(join(cacheDir ?? "", "core", core.name, docs))).toString();
          const lines = config.split("\n");
          expect(lines).toContain("CONFIG_ENV_SIZE=0x4000");
          expect(lines).toContain('CONFIG_ENV_FAT_FILE="uboot.env"');
          expect(lines).toContain('CONFIG_ENV_FAT_DEVICE_AND_PART="0:1"');
          expect(lines).not.toContain("CONFIG_SYS_REDUNDAND_ENVIRONMENT=y");
          // The device tree U-Boot works with is the firmware's, so that its aliases count.
          expect(lines).toContain("CONFIG_OF_BOARD=y");
        }
      });
    });
  },
);
