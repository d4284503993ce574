import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asset } from "../../../../lib/external/assets.ts";
import { type BoardFacts, boardFacts } from "../../../../lib/image/board/board-facts.ts";
import { findLacks, type SlotParts } from "../../../../lib/image/board/find-lacks.ts";
import { smallModules, smallTree } from "./small-board.ts";

const facts: BoardFacts = {
  needs: [
    { use: "the card", controllers: [{ compatible: "test,mmc", behind: ["mmc:block"] }] },
    {
      use: "a stick",
      controllers: [
        { compatible: "test,pcie", behind: ["pci:v00001106d00003483sv00001106sd00003483bc0Csc03i30"] },
      ],
    },
  ],
  modules: { ext4: "the root" },
};

const initramfs = [
  "kernel/drivers/mmc/mmc-test.ko.xz",
  "kernel/drivers/mmc/sdhci.ko.xz",
  "kernel/lib/sums.ko.xz",
  "kernel/drivers/regulator-test.ko.xz",
  "kernel/drivers/reset-test.ko.xz",
  "kernel/drivers/xhci-test.ko.xz",
  "kernel/fs/ext4.ko.xz",
  "kernel/crypto/crc32c_fast.ko.xz",
];
const builtIns = [
  "test,gic",
  "test,clock",
  "test,pinctrl",
  "test,firmware",
  "test,firmware-gpio",
  "test,pcie",
];

const slot = (more: { without?: string; notBuiltIn?: string } = {}): SlotParts => ({
  deviceTrees: new Map([["small.dtb", smallTree]]),
  modules: smallModules,
  initramfs: new Set(initramfs.filter((path) => more.without === undefined || !path.includes(more.without))),
  builtIn: (compatible) => builtIns.includes(compatible) && compatible !== more.notBuiltIn,
});

describe("what a slot lacks", () => {
  it("is nothing where every driver on the way is in the kernel or the initramfs", () => {
    expect(findLacks(facts, slot())).toEqual([]);
  });

  it.each([
    [
      "mmc-test",
      "mmc_test",
      'for the card: /soc/mmc@100 "test,mmc-new" "test,mmc" needs the module mmc_test',
    ],
    ["sdhci", "sdhci", "needs the module sdhci, which mmc_test needs"],
    ["regulator-test", "regulator_test", '/regulator "test,regulator", on which /soc/mmc@100 depends, needs'],
    [
      "reset-test",
      "reset_test",
      '/soc/firmware/reset "test,firmware-reset", on which /soc/pcie@600 depends,',
    ],
    [
      "xhci-test",
      "xhci_test",
      "pci:v00001106d00003483sv00001106sd00003483bc0Csc03i30, behind /soc/pcie@600,",
    ],
    ["ext4", "ext4", "for the root: needs the module ext4"],
    ["crc32c_fast", "crc32c_generic", "needs the module crc32c_generic or crc32c_fast, which ext4 needs"],
  ])("is named where the initramfs is without %s", (without, module, text) => {
    const lacks = findLacks(facts, slot({ without }));
    expect(lacks).toEqual([expect.objectContaining({ module, text: expect.stringContaining(text) })]);
  });

  it.each([
    ["test,gic", '/interrupt-controller@0 "test,gic", on which /soc/mmc@100 depends, has no driver'],
    ["test,clock", '/soc/clock@300 "test,clock"'],
    ["test,pinctrl", '/soc/pinctrl@500 "test,pinctrl"'],
    // The parent of what the supply's switch hangs on: two phandles and a parent away from the card.
    ["test,firmware", '/soc/firmware "test,firmware" "simple-mfd"'],
    ["test,firmware-gpio", '/soc/firmware/gpio "test,firmware-gpio"'],
  ])("is named where the kernel has no driver for %s", (notBuiltIn, text) => {
    const texts = findLacks(facts, slot({ notBuiltIn })).map((lack) => lack.text);
    expect(texts.join("\n")).toContain(text);
    for (const one of texts) expect(one).toContain("has no driver in this kernel");
  });

  it("is a way at all where the tree has none, or is not there", () => {
    const elsewhere = {
      ...facts,
      needs: [{ use: "a disk", controllers: [{ compatible: "x,y", behind: [] }] }],
    };
    expect(findLacks(elsewhere, slot())).toEqual([
      { dtb: "small.dtb", text: "no enabled node leads to a disk (x,y)" },
    ]);
    expect(findLacks(facts, { ...slot(), deviceTrees: new Map([["gone.dtb", undefined]]) })).toEqual([
      { dtb: "gone.dtb", text: "the slot does not have this device tree" },
    ]);
  });
});

describe("the boards", () => {
  it("are all known", () => {
    for (const board of readdirSync(asset("boards"))) expect(boardFacts(board), board).toBeDefined();
    expect(boardFacts("toaster")).toBeUndefined();
  });
});
