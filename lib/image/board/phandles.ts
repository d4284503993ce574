import { cells, type DeviceNode, nodesOf, parentsOf } from "./device-tree.ts";

/** Another node a node names, and by which property. */
export interface Reference {
  readonly property: string;
  readonly node: DeviceNode;
}

/**
 * Properties that are lists of a phandle and the cells its node asks for, and the property there that says how
 * many. These are the ones Linux waits for before it probes a device (drivers/of/property.c, fw_devlink).
 */
const LISTS: Readonly<Record<string, string>> = {
  clocks: "#clock-cells",
  "assigned-clocks": "#clock-cells",
  "assigned-clock-parents": "#clock-cells",
  resets: "#reset-cells",
  "power-domains": "#power-domain-cells",
  dmas: "#dma-cells",
  mboxes: "#mbox-cells",
  phys: "#phy-cells",
  pwms: "#pwm-cells",
  iommus: "#iommu-cells",
  "io-channels": "#io-channel-cells",
  hwlocks: "#hwlock-cells",
  interconnects: "#interconnect-cells",
  nvmem: "#nvmem-cell-cells",
  "interrupts-extended": "#interrupt-cells",
};
/** A phandle alone, or several. */
const PLAIN = /^(firmware|brcm,firmware|mmc-pwrseq|msi-parent|usb-phy|pinctrl-\d+|nvmem-cells|.+-supply)$/;
const GPIO = /^(gpio|gpios|.+-gpio|.+-gpios)$/;

/** Finds nodes by the number other nodes name them with. */
export function phandleIndex(root: DeviceNode): ReadonlyMap<number, DeviceNode> {
  const index = new Map<number, DeviceNode>();
  for (const node of nodesOf(root)) {
    const [phandle] = [...cells(node, "phandle"), ...cells(node, "linux,phandle")];
    if (phandle !== undefined) index.set(phandle, node);
  }
  return index;
}

/** Every node this one needs by phandle, its interrupts' parent included. Throws RangeError for a broken list. */
export function references(node: DeviceNode, index: ReadonlyMap<number, DeviceNode>): Reference[] {
  const found: Reference[] = [];
  for (const property of node.properties.keys()) {
    const count = LISTS[property] ?? (GPIO.test(property) ? "#gpio-cells" : undefined);
    if (count !== undefined) found.push(...listed(node, property, count, index));
    else if (PLAIN.test(property)) {
      for (const phandle of cells(node, property)) found.push(named(node, property, phandle, index));
    }
  }
  if (node.properties.has("interrupts")) {
    const parent = interruptParent(node, index);
    if (parent !== undefined) found.push({ property: "interrupt-parent", node: parent });
  }
  found.push(...interruptMap(node, index));
  return found;
}

function named(
  node: DeviceNode,
  property: string,
  phandle: number,
  index: ReadonlyMap<number, DeviceNode>,
): Reference {
  const other = index.get(phandle);
  if (other === undefined) throw new RangeError(`${node.path}: ${property} names no node (${phandle})`);
  return { property, node: other };
}

function listed(
  node: DeviceNode,
  property: string,
  count: string,
  index: ReadonlyMap<number, DeviceNode>,
): Reference[] {
  const values = cells(node, property);
  const found: Reference[] = [];
  for (let at = 0; at < values.length; ) {
    const phandle = values[at] ?? 0;
    at += 1;
    // A hole in the list.
    if (phandle === 0) continue;
    const reference = named(node, property, phandle, index);
    found.push(reference);
    at += cells(reference.node, count)[0] ?? 0;
  }
  return found;
}

/** The node's own word, or that of the nearest node above that has one; a controller above also is one. */
function interruptParent(node: DeviceNode, index: ReadonlyMap<number, DeviceNode>): DeviceNode | undefined {
  for (const one of [node, ...parentsOf(node)]) {
    const [phandle] = cells(one, "interrupt-parent");
    if (phandle !== undefined) return named(node, "interrupt-parent", phandle, index).node;
    if (one !== node && one.properties.has("#interrupt-cells")) return one;
  }
  return undefined;
}

/** `interrupt-map` of a PCI bridge: child address and interrupt, the parent, its address and interrupt. */
function interruptMap(node: DeviceNode, index: ReadonlyMap<number, DeviceNode>): Reference[] {
  const values = cells(node, "interrupt-map");
  const child = (cells(node, "#address-cells")[0] ?? 2) + (cells(node, "#interrupt-cells")[0] ?? 1);
  const found: Reference[] = [];
  for (let at = child; at < values.length; at += child) {
    const reference = named(node, "interrupt-map", values[at] ?? 0, index);
    found.push(reference);
    const own = (name: string): number => cells(reference.node, name)[0] ?? 0;
    at += 1 + own("#address-cells") + own("#interrupt-cells");
  }
  return found;
}
