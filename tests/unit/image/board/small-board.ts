import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DeviceNode, nodesOf, parseDeviceTree } from "../../../../lib/image/board/device-tree.ts";
import { type ModuleFiles, type ModuleIndex, readModuleIndex } from "../../../../lib/image/board/modules.ts";

/** small.dts, as dtc of device-tree-compiler 1.7.2 compiles it. */
export const smallBlob: Buffer = readFileSync(join(import.meta.dirname, "fixtures", "small.dtb"));

export const smallTree: DeviceNode = parseDeviceTree(smallBlob);

export function nodeAt(path: string, root: DeviceNode = smallTree): DeviceNode {
  const node = nodesOf(root).find((one) => one.path === path);
  if (node === undefined) throw new Error(`no node ${path}`);
  return node;
}

/** What depmod would leave of a kernel with the modules the small board needs. */
export const smallModuleFiles: ModuleFiles = {
  alias: [
    "# Aliases extracted from modules themselves.",
    "alias of:N*T*Ctest,mmcC* mmc_test",
    "alias of:N*T*Ctest,mmc mmc_test",
    "alias of:N*T*Ctest,regulatorC* regulator_test",
    "alias of:N*T*Ctest,regulator regulator_test",
    "alias of:N*T*Ctest,firmware-reset reset_test",
    "alias pci:v*d*sv*sd*bc0Csc03i30* xhci_test",
    "alias usb:v0525pA4A[0-2]d*dc*dsc*dp*ic*isc*ip*in* usb_range",
    "alias crypto-crc32c crc32c_generic",
    "alias crypto-crc32c crc32c_fast",
    "",
  ].join("\n"),
  dep: [
    "kernel/drivers/mmc/mmc-test.ko.xz: kernel/drivers/mmc/sdhci.ko.xz kernel/lib/sums.ko.xz",
    "kernel/drivers/mmc/sdhci.ko.xz: kernel/lib/sums.ko.xz",
    "kernel/lib/sums.ko.xz:",
    "kernel/drivers/regulator-test.ko.xz:",
    "kernel/drivers/reset-test.ko.xz:",
    "kernel/drivers/xhci-test.ko.xz:",
    "kernel/fs/ext4.ko.xz:",
    "kernel/crypto/crc32c_generic.ko.xz:",
    "kernel/crypto/crc32c_fast.ko.xz:",
    "",
  ].join("\n"),
  softdep:
    "# Soft dependencies\nsoftdep ext4 pre: crypto-crc32c nothing-at-all post: other\nsoftdep cifs gcm\n",
  builtin: "kernel/drivers/clk/clk-test.ko\nkernel/lib/sums-built-in.ko\n",
  builtinModinfo: "mmc_block.license=GPL\0mmc_block.alias=mmc:block\0",
};

export const smallModules: ModuleIndex = readModuleIndex(smallModuleFiles);
