import { describe, expect, it } from "vitest";
import {
  cells,
  enabled,
  nodesOf,
  parentsOf,
  parseDeviceTree,
  strings,
} from "../../../../lib/image/board/device-tree.ts";
import { phandleIndex, references } from "../../../../lib/image/board/phandles.ts";
import { nodeAt, smallBlob, smallTree } from "./small-board.ts";

describe("a compiled device tree", () => {
  it("is read with its nodes in order, its strings and its numbers", () => {
    expect(
      nodesOf(smallTree)
        .map((node) => node.path)
        .slice(0, 6),
    ).toEqual(["/", "/aliases", "/interrupt-controller@0", "/regulator", "/soc", "/soc/mmc@100"]);
    const mmc = nodeAt("/soc/mmc@100");
    expect(strings(mmc, "compatible")).toEqual(["test,mmc-new", "test,mmc"]);
    expect(cells(mmc, "interrupts")).toEqual([0, 1, 4]);
    expect(parentsOf(mmc).map((node) => node.path)).toEqual(["/soc", "/"]);
    expect([strings(mmc, "absent"), cells(mmc, "absent")]).toEqual([[], []]);
  });

  it("has nodes that are switched off, with all below them", () => {
    expect(enabled(nodeAt("/soc/mmc@100"))).toBe(true);
    expect(enabled(nodeAt("/soc/clock@300"))).toBe(true);
    expect(enabled(nodeAt("/soc/mmc@200"))).toBe(false);
    expect(enabled(nodeAt("/soc/mmc@200/card@0"))).toBe(false);
  });

  it("is refused when it is none, or torn", () => {
    expect(() => parseDeviceTree(Buffer.from("not a device tree, whatever it is called"))).toThrow(
      RangeError,
    );
    expect(() => parseDeviceTree(Buffer.alloc(0))).toThrow(RangeError);
    expect(() => parseDeviceTree(smallBlob.subarray(0, 400))).toThrow(RangeError);
  });
});

describe("what a node names by phandle", () => {
  const index = phandleIndex(smallTree);
  const named = (path: string) =>
    references(nodeAt(path), index).map(({ property, node }) => `${property} ${node.path}`);

  it("is found in lists of cells, alone, and by inheritance", () => {
    expect(named("/soc/mmc@100").sort()).toEqual([
      "clocks /soc/clock@300",
      "clocks /soc/clock@400",
      "interrupt-parent /interrupt-controller@0",
      "pinctrl-0 /soc/pinctrl@500/card-pins",
      "vmmc-supply /regulator",
    ]);
    expect(named("/regulator")).toEqual(["gpio /soc/firmware/gpio"]);
    expect(named("/soc/pcie@600/pci@0,0/usb@0,0")).toEqual(["resets /soc/firmware/reset"]);
  });

  it("is found in a PCI bridge's table of interrupts", () => {
    expect(named("/soc/pcie@600")).toEqual([
      "interrupt-map /interrupt-controller@0",
      "interrupt-map /interrupt-controller@0",
    ]);
  });

  it("has to be there", () => {
    expect(() => references(nodeAt("/regulator"), new Map())).toThrow("/regulator: gpio names no node");
  });
});
