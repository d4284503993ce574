import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { asset } from "../../../../lib/external/assets.ts";
import { type BootPartition, judgeBootPartition } from "../../../../lib/image/board/boot-partition.ts";
import type { DeviceNode } from "../../../../lib/image/board/device-tree.ts";
import { parseSupportedTrees } from "../../../../lib/image/board/device-tree-list.ts";
import { firmwareKind, parseFirmwareConfig } from "../../../../lib/image/board/firmware-config.ts";
import { filesReadBy, piModels } from "../../../../lib/image/board/models.ts";

const BYTES = 256 * 1024 * 1024;
const configText = readFileSync(asset("boards/rpi-arm64/boot/config.txt"), "utf8");

function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  sector.writeUInt16LE(512, 11);
  sector.writeUInt8(4, 13);
  sector.writeUInt16LE(32, 14);
  sector.writeUInt8(2, 16);
  sector.writeUInt32LE(BYTES / 512, 32);
  sector.writeUInt32LE(1024, 36);
  sector.write("FAT32   ", 82, "latin1");
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

function environment(text: string, bytes = 0x4000): Buffer {
  const all = Buffer.alloc(bytes);
  all.write(`${text.replaceAll("\n", "\0")}\0\0`, 4, "latin1");
  all.writeUInt32LE(crc32(all.subarray(4)), 0);
  return all;
}

interface Building {
  readonly path: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly children?: readonly Building[];
}
function built({ path, properties, children = [] }: Building, parent?: DeviceNode): DeviceNode {
  const values = Object.entries(properties).map(([name, text]) => [name, Buffer.from(`${text}\0`)] as const);
  const below: DeviceNode[] = [];
  const node: DeviceNode = { path, parent, properties: new Map(values), children: below };
  below.push(...children.map((child) => built(child, node)));
  return node;
}
/** Wi-Fi's SD controller first, as in a Pi 4's tree; the card's second. */
const tree = (compatible: string, alias?: string) =>
  built({
    path: "/",
    properties: { compatible },
    children: [
      { path: "/aliases", properties: alias === undefined ? {} : { mmc0: alias } },
      {
        path: "/wifi",
        properties: { compatible: "brcm,bcm2835-sdhci" },
        children: [{ path: "/wifi/chip", properties: {} }],
      },
      { path: "/card", properties: { compatible: "brcm,bcm2711-emmc2" } },
    ],
  });

const good: BootPartition = {
  bytes: BYTES,
  type: 0x0c,
  bootSector: bootSector(),
  files: new Set(piModels.flatMap((model) => filesReadBy(model))),
  config: parseFirmwareConfig(configText),
  environment: environment("bootdelay=-2\nbootcmd=run try"),
  deviceTrees: new Map(piModels.map(({ dtb, compatible }) => [dtb, tree(compatible, "/card")])),
};
const without = (...names: string[]) => new Set([...good.files].filter((file) => !names.includes(file)));
const configured = (change: (text: string) => string) => ({
  config: parseFirmwareConfig(change(configText)),
});

describe("a boot partition", () => {
  it("is good for every model with the files, the configuration and the environment it has", () => {
    expect(judgeBootPartition(good, piModels)).toEqual([]);
  });

  const four = piModels.find((model) => model.name === "4B");
  it.each<[string, Partial<BootPartition>, readonly string[]]>([
    ["bootcode.bin", { files: without("bootcode.bin") }, ["3B", "3B+", "3A+"]],
    ["start4.elf", { files: without("start4.elf") }, ["4B", "400", "CM4"]],
    ["fixup.dat", { files: without("fixup.dat") }, ["3B", "3B+", "3A+"]],
    ["bcm2711-rpi-400.dtb", { files: without("bcm2711-rpi-400.dtb") }, ["400"]],
    ["boot.scr", { files: without("boot.scr") }, piModels.map(({ name }) => name)],
  ])("is told to lack %s by the models that read it", (file, change, models) => {
    expect(judgeBootPartition({ ...good, ...change }, piModels)).toEqual(
      models.map((model) => `${model}: ${file} is not on p1`),
    );
  });

  it.each<[string, Partial<BootPartition>]>([
    ["config.txt: arm_64bit=1 is missing", configured((text) => text.replace("arm_64bit=1", "arm_64bit=0"))],
    ["config.txt: enable_uart=1 is missing", configured((text) => text.replace("enable_uart=1", ""))],
    [
      "config.txt: upstream_kernel=1 is missing",
      configured((text) => text.replace("upstream_kernel=1", "#")),
    ],
    ["config.txt: kernel=vmlinuz is not on p1", configured((text) => `${text}kernel=vmlinuz\n`)],
    ["config.txt: no kernel=", configured((text) => text.replace("kernel=u-boot.bin", ""))],
    ["overlays/vc4.dtbo is not on p1", configured((text) => `${text}dtoverlay=vc4,cma-64\n`)],
    ["config.txt: not for every board: [pi4]", configured((text) => `${text}[pi4]\nkernel=other\n`)],
    ["config.txt: not for every board: cmdline", configured((text) => `${text}cmdline=${"x".repeat(98)}\n`)],
    ["4B: start4cd.elf is not on p1", configured((text) => text.replace("gpu_mem=32", "gpu_mem=16"))],
    ["uboot.env: 8192 bytes, U-Boot wants 16384", { environment: environment("bootcmd=x", 0x2000) }],
    ["the CRC32 is wrong", { environment: environment("bootdelay=-2\nbootcmd=x").fill(1, 0, 4) }],
    ["uboot.env: no bootdelay=-2", { environment: environment("bootdelay=2\nbootcmd=x") }],
    ["uboot.env: no bootcmd", { environment: environment("bootdelay=-2\naltbootcmd=x") }],
    ["the partition's type is 0x83", { type: 0x83 }],
    ["a file system of 268435456 bytes on 1", { bytes: 1 }],
    ["too few for FAT32", { bootSector: bootSector().fill(64, 13, 14) }],
    ["is not FAT32", { bootSector: bootSector().fill("1", 85, 87) }],
    ["has no signature", { bootSector: bootSector().fill(0, 510) }],
    ["sectors of 1024 bytes", { bootSector: bootSector().fill(4, 12, 13) }],
    [
      "4B: bcm2711-rpi-4-b.dtb is the tree of raspberrypi,400",
      { deviceTrees: new Map([["bcm2711-rpi-4-b.dtb", tree("raspberrypi,400", "/card")]]) },
    ],
    [
      "4B: bcm2711-rpi-4-b.dtb: U-Boot's first SD controller is /wifi, which has no card",
      { deviceTrees: new Map([["bcm2711-rpi-4-b.dtb", tree("raspberrypi,4-model-b")]]) },
    ],
  ])("is refused: %s", (text, change) => {
    const found = judgeBootPartition({ ...good, ...change }, four === undefined ? [] : [four]);
    expect(found.join("\n")).toContain(text);
  });
});

describe("the models", () => {
  it("are those whose device trees go to p1", () => {
    const list = readFileSync(asset("boards/rpi-arm64/boot/dtbs.txt"), "utf8");
    expect(parseSupportedTrees(list).map(({ onP1 }) => onP1)).toEqual(piModels.map(({ dtb }) => dtb));
  });

  it("get the normal firmware, unless the GPU is to have 16 MB", () => {
    expect(firmwareKind(good.config)).toBe("normal");
    expect(firmwareKind(parseFirmwareConfig("gpu_mem=16\n"))).toBe("cut-down");
  });
});

describe("a list of device trees", () => {
  it("has U-Boot's name where that is another", () => {
    expect(parseSupportedTrees("# comment\n\na.dtb\nb-io.dtb b.dtb\n")).toEqual([
      { onP1: "a.dtb", inSlot: "a.dtb" },
      { onP1: "b-io.dtb", inSlot: "b.dtb" },
    ]);
  });
});
