import { describe, expect, it } from "vitest";
import { hasTableEntry } from "../../../../lib/image/board/built-in.ts";
import { moduleName } from "../../../../lib/image/board/modules.ts";
import { smallModules } from "./small-board.ts";

/** struct of_device_id, as a compiler lays it out. */
function tableEntry(compatible: string): Buffer {
  const entry = Buffer.alloc(200);
  entry.write(compatible, 64, "latin1");
  entry.writeBigUInt64LE(0xffff_8000_8123_4568n, 192);
  return entry;
}

describe("a driver that is in the kernel", () => {
  const code = Buffer.from("some code".padEnd(64, "\x90"), "latin1");

  it("is known by its table", () => {
    const kernel = Buffer.concat([code, tableEntry("brcm,one"), tableEntry("brcm,two"), Buffer.alloc(200)]);
    expect(hasTableEntry(kernel, "brcm,one")).toBe(true);
    expect(hasTableEntry(kernel, "brcm,two")).toBe(true);
    expect(hasTableEntry(kernel, "brcm,thr")).toBe(false);
    expect(hasTableEntry(kernel, "brcm,on")).toBe(false);
  });

  it("is not known by a string that only stands in its code", () => {
    const text = Buffer.from("no firmware\0brcm,one\0\0brcm,two\0".padEnd(128, "\0"), "latin1");
    expect(hasTableEntry(Buffer.concat([Buffer.alloc(200), text]), "brcm,one")).toBe(false);
    expect(hasTableEntry(Buffer.concat([Buffer.alloc(3), tableEntry("brcm,one")]), "brcm,one")).toBe(false);
    expect(hasTableEntry(tableEntry("brcm,one").subarray(60), "brcm,one")).toBe(false);
  });
});

describe("a driver that is a module", () => {
  it("is found by compatible and by what a bus says of a device", () => {
    expect(smallModules.forCompatible("test,mmc")).toEqual(["mmc_test"]);
    expect(smallModules.forCompatible("test,mm")).toEqual([]);
    expect(smallModules.forModalias("pci:v00001106d00003483sv00001106sd00003483bc0Csc03i30")).toEqual([
      "xhci_test",
    ]);
    expect(smallModules.forModalias("pci:v00001106d00003483sv00001106sd00003483bc0Csc03i20")).toEqual([]);
    expect(smallModules.forModalias("usb:v0525pA4A1d0100dc00dsc00dp00ic08isc06ip50in00")).toEqual([
      "usb_range",
    ]);
    expect(smallModules.forModalias("usb:v0525pA4A3d0100dc00dsc00dp00ic08isc06ip50in00")).toEqual([]);
  });

  it("is called by one name, however its file is", () => {
    expect(moduleName("kernel/drivers/usb/usb-storage.ko.xz")).toBe("usb_storage");
    expect(moduleName("crypto-crc32c")).toBe("crypto_crc32c");
  });

  it("needs others, and softly one of several", () => {
    expect(smallModules.needs("mmc_test")).toEqual([["mmc_test"], ["sdhci"], ["sums"]]);
    // nothing-at-all: no module has that name, so nobody waits for it.
    expect(smallModules.needs("ext4")).toEqual([["ext4"], ["crc32c_generic", "crc32c_fast"]]);
    expect(smallModules.needs("clk_test")).toEqual([]);
  });

  it("may be built in, with a name of its own", () => {
    expect([smallModules.builtIn("clk_test"), smallModules.builtIn("ext4")]).toEqual([true, false]);
    expect([smallModules.builtInAlias("mmc:block"), smallModules.builtInAlias("mmc")]).toEqual([true, false]);
  });
});
