/** A node of a device tree. Property values stay bytes: the format does not say what they mean. */
export interface DeviceNode {
  /** From the root, `/soc/mmc@7e202000`; `/` for the root itself. */
  readonly path: string;
  readonly parent: DeviceNode | undefined;
  readonly properties: ReadonlyMap<string, Buffer>;
  readonly children: readonly DeviceNode[];
}

const MAGIC = 0xd00dfeed;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const NOP = 4;
const END = 9;

interface Building extends DeviceNode {
  readonly parent: Building | undefined;
  readonly properties: Map<string, Buffer>;
  readonly children: Building[];
}

/**
 * Reads a flattened device tree (Devicetree Specification 0.4, chapter 5). By hand and not by dtc, whose text
 * leaves to be guessed what is a string and what a number. Throws RangeError where it is none.
 */
export function parseDeviceTree(blob: Buffer): DeviceNode {
  if (blob.length < 40 || blob.readUInt32BE(0) !== MAGIC) throw new RangeError("not a device tree");
  const strings = blob.readUInt32BE(12);
  let at = blob.readUInt32BE(8);
  let node: Building | undefined;
  const word = (): number => {
    at += 4;
    return blob.readUInt32BE(at - 4);
  };
  const textAt = (start: number): string => blob.toString("latin1", start, blob.indexOf(0, start));
  for (;;) {
    const token = word();
    if (token === BEGIN_NODE) {
      const name = textAt(at);
      at = padded(at + name.length + 1);
      const child: Building = {
        path: childPath(node, name),
        parent: node,
        properties: new Map(),
        children: [],
      };
      node?.children.push(child);
      node = child;
    } else if (token === PROPERTY) {
      const length = word();
      const name = textAt(strings + word());
      node?.properties.set(name, blob.subarray(at, at + length));
      at = padded(at + length);
    } else if (token === END_NODE) {
      if (node?.parent === undefined) break;
      node = node.parent;
    } else if (token === END || token !== NOP) {
      throw new RangeError(`broken device tree: token ${token} at byte ${at - 4}`);
    }
  }
  if (node === undefined) throw new RangeError("a device tree without a root");
  return node;
}

const padded = (offset: number): number => (offset + 3) & ~3;

function childPath(parent: DeviceNode | undefined, name: string): string {
  if (parent === undefined) return "/";
  return parent.path === "/" ? `/${name}` : `${parent.path}/${name}`;
}

/** The node and all below it, parents first. */
export function nodesOf(root: DeviceNode): DeviceNode[] {
  return [root, ...root.children.flatMap(nodesOf)];
}

/** The node's parents, nearest first, the root last. */
export function parentsOf(node: DeviceNode): DeviceNode[] {
  return node.parent === undefined ? [] : [node.parent, ...parentsOf(node.parent)];
}

/** NUL-terminated strings, one after another. Empty where the property is absent. */
export function strings(node: DeviceNode, property: string): string[] {
  const value = node.properties.get(property);
  return value === undefined ? [] : value.toString("latin1").split("\0").slice(0, -1);
}

/** 32-bit numbers. Empty where the property is absent. */
export function cells(node: DeviceNode, property: string): number[] {
  const value = node.properties.get(property);
  if (value === undefined) return [];
  return Array.from({ length: value.length >> 2 }, (_, index) => value.readUInt32BE(index * 4));
}

/** Neither the node nor one above it is switched off: no `status`, or `okay`. */
export function enabled(node: DeviceNode): boolean {
  return [node, ...parentsOf(node)].every((one) =>
    ["okay", "ok"].includes(strings(one, "status")[0] ?? "okay"),
  );
}
