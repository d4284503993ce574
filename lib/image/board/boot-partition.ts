import { crc32 } from "node:zlib";
import { takesCards } from "./board-facts.ts";
import { type DeviceNode, enabled, nodesOf, strings } from "./device-tree.ts";
import { type FirmwareConfig, firmwareKind } from "./firmware-config.ts";
import { filesReadBy, type PiModel } from "./models.ts";

/** What is on p1, as far as it is judged. */
export interface BootPartition {
  /** Bytes of the partition in the table, and its type there. */
  readonly bytes: number;
  readonly type: number;
  readonly bootSector: Buffer;
  readonly files: ReadonlySet<string>;
  readonly config: FirmwareConfig;
  readonly environment: Buffer;
  readonly deviceTrees: ReadonlyMap<string, DeviceNode>;
}

/** Debian's u-boot-rpi, config.rpi_arm64: CONFIG_ENV_SIZE, one copy, so no byte of flags behind the CRC. */
export const ENVIRONMENT_BYTES = 0x4000;
/** FAT32 is what has at least so many clusters, whatever the label says (Microsoft's FAT specification). */
const FAT32_CLUSTERS = 65525;
const FAT32_LBA = 0x0c;

/** Everything on p1 that would keep one of the models from reaching boot.scr. Empty: nothing is known to. */
export function judgeBootPartition(p1: BootPartition, models: readonly PiModel[]): string[] {
  return [
    ...judgeFat(p1),
    ...judgeConfig(p1),
    ...judgeEnvironment(p1.environment),
    ...models.flatMap((model) => judgeModel(model, p1).map((text) => `${model.name}: ${text}`)),
  ];
}

function judgeFat({ bootSector, bytes, type }: BootPartition): string[] {
  const sector = bootSector.readUInt16LE(11);
  const perCluster = bootSector.readUInt8(13);
  const reserved = bootSector.readUInt16LE(14);
  const total = bootSector.readUInt32LE(32);
  const tables = bootSector.readUInt8(16) * bootSector.readUInt32LE(36);
  const clusters = Math.floor((total - reserved - tables) / perCluster);
  return when([
    [type !== FAT32_LBA, `the partition's type is 0x${type.toString(16)}, not 0x0c`],
    [bootSector.toString("latin1", 82, 87) !== "FAT32", "the file system is not FAT32"],
    [bootSector.readUInt16LE(510) !== 0xaa55, "the file system's first sector has no signature"],
    [sector !== 512, `sectors of ${sector} bytes: the boot ROM knows 512`],
    [total * sector !== bytes, `a file system of ${total * sector} bytes on ${bytes}`],
    [clusters < FAT32_CLUSTERS, `${clusters} clusters are too few for FAT32`],
  ]);
}

function judgeConfig({ config, files }: BootPartition): string[] {
  const { settings } = config;
  const kernel = settings.get("kernel");
  const overlay = settings.get("dtoverlay")?.split(",")[0];
  const wanted = (name: string, why: string): [boolean, string] => [
    settings.get(name) !== "1",
    `config.txt: ${name}=1 is missing: ${why}`,
  ];
  return when([
    ...config.odd.map((line): [boolean, string] => [true, `config.txt: not for every board: ${line}`]),
    wanted("arm_64bit", "U-Boot would be started as a 32-bit program"),
    wanted("enable_uart", "the console would be dead, or of no fixed speed"),
    wanted("upstream_kernel", "the firmware would look for device trees of other names"),
    [kernel === undefined, "config.txt: no kernel="],
    [kernel !== undefined && !files.has(kernel), `config.txt: kernel=${kernel} is not on p1`],
    [
      overlay !== undefined && overlay !== "" && !files.has(`overlays/${overlay}.dtbo`),
      `config.txt: overlays/${overlay}.dtbo is not on p1`,
    ],
  ]);
}

function judgeEnvironment(environment: Buffer): string[] {
  if (environment.length !== ENVIRONMENT_BYTES) {
    return [`uboot.env: ${environment.length} bytes, U-Boot wants ${ENVIRONMENT_BYTES}`];
  }
  const body = environment.subarray(4);
  const names = body
    .toString("latin1", 0, body.indexOf("\0\0"))
    .split("\0")
    .map((line) => line.split("=")[0] ?? "");
  return when([
    [environment.readUInt32LE(0) !== crc32(body), "uboot.env: the CRC32 is wrong, U-Boot would use its own"],
    // Without the negative delay a byte on the serial line would stop the boot.
    [!body.includes("bootdelay=-2\0"), "uboot.env: no bootdelay=-2"],
    [!names.includes("bootcmd"), "uboot.env: no bootcmd"],
  ]);
}

function judgeModel(model: PiModel, p1: BootPartition): string[] {
  const missing = filesReadBy(model, firmwareKind(p1.config)).filter((file) => !p1.files.has(file));
  const tree = p1.deviceTrees.get(model.dtb);
  const found = tree === undefined ? undefined : strings(tree, "compatible")[0];
  const first = tree === undefined ? undefined : firstSdController(tree);
  return when([
    ...missing.map((file): [boolean, string] => [true, `${file} is not on p1`]),
    [found !== undefined && found !== model.compatible, `${model.dtb} is the tree of ${found}`],
    [
      first !== undefined && !takesCards(first),
      `${model.dtb}: U-Boot's first SD controller is ${first?.path}, which has no card: uboot.env is not found`,
    ],
  ]);
}

const SD_CONTROLLER = /^brcm,(bcm2835-sdhost|bcm2835-sdhci|bcm2711-emmc2)$/;

/** U-Boot's `mmc 0`, where it looks for uboot.env: what an alias says, else the first of the tree. */
function firstSdController(root: DeviceNode): DeviceNode | undefined {
  const nodes = nodesOf(root);
  const aliases = nodes.find((node) => node.path === "/aliases");
  const alias = aliases === undefined ? undefined : strings(aliases, "mmc0")[0];
  if (alias !== undefined) return nodes.find((node) => node.path === alias);
  return nodes.find(
    (node) => enabled(node) && strings(node, "compatible").some((one) => SD_CONTROLLER.test(one)),
  );
}

function when(cases: readonly (readonly [boolean, string])[]): string[] {
  return cases.filter(([holds]) => holds).map(([, text]) => text);
}
