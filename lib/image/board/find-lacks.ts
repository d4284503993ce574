import { type BoardFacts, type Controller, driverless } from "./board-facts.ts";
import { type DeviceNode, enabled, nodesOf, parentsOf, strings } from "./device-tree.ts";
import type { ModuleIndex } from "./modules.ts";
import { phandleIndex, references } from "./phandles.ts";

/** What a slot brings to find its own root with. */
export interface SlotParts {
  /** Roots of the device trees by file name; undefined for one that is not in the slot. */
  readonly deviceTrees: ReadonlyMap<string, DeviceNode | undefined>;
  readonly modules: ModuleIndex;
  /** Paths below /usr/lib/modules/VERSION of the modules in the initramfs. */
  readonly initramfs: ReadonlySet<string>;
  /** Whether a driver for the compatible is in the kernel itself. */
  readonly builtIn: (compatible: string) => boolean;
}

/** Something that keeps a node from finding its root. */
export interface Lack {
  /** File name of the device tree; undefined: every node lacks it. */
  readonly dtb?: string;
  readonly text: string;
  /** The module whose absence it is. */
  readonly module?: string;
}

/** Everything that keeps the boards' nodes from their root file systems. Empty: every one can start. */
export function findLacks(facts: BoardFacts, slot: SlotParts): Lack[] {
  const general = Object.entries(facts.modules).flatMap(([name, why]) =>
    missingModules([name], slot).map((lack) => ({ ...lack, text: `for ${why}: ${lack.text}` })),
  );
  const ofBoards = [...slot.deviceTrees].flatMap(([dtb, root]) => {
    if (root === undefined) return [{ dtb, text: "the slot does not have this device tree" }];
    return lacksOfDeviceTree(root, facts, slot).map((lack) => ({ dtb, ...lack }));
  });
  return [...general, ...ofBoards];
}

function lacksOfDeviceTree(root: DeviceNode, facts: BoardFacts, slot: SlotParts): Lack[] {
  const index = phandleIndex(root);
  const found = new Map<string, Lack>();
  for (const { use, controllers } of facts.needs) {
    const starts = nodesOf(root).flatMap((node) => {
      const controller = controllers.find((one) => leadsThrough(one, node));
      return controller === undefined ? [] : [{ node, controller }];
    });
    if (starts.length === 0) {
      const wanted = controllers.map(({ compatible }) => compatible).join(", ");
      found.set(use, { text: `no enabled node leads to ${use} (${wanted})` });
    }
    for (const { node, controller } of starts) {
      const lacks = [
        ...lacksOnTheWay(node, index, slot),
        ...controller.behind.flatMap((modalias) => lacksBehind(node, modalias, slot)),
      ];
      for (const lack of lacks) {
        // The first use that meets it names it; the others would say the same.
        if (!found.has(lack.text)) found.set(lack.text, { ...lack, text: `for ${use}: ${lack.text}` });
      }
    }
  }
  return [...found.values()];
}

function leadsThrough(controller: Controller, node: DeviceNode): boolean {
  return (
    strings(node, "compatible").includes(controller.compatible) &&
    enabled(node) &&
    (controller.when?.(node) ?? true)
  );
}

const nodeText = (node: DeviceNode): string =>
  `${node.path} ${strings(node, "compatible")
    .map((one) => JSON.stringify(one))
    .join(" ")}`;

/**
 * The node, what is wired below it (a PCI bridge's devices have reset lines of their own), and by parents and
 * phandles all that has to work before. What is switched off is left out: Linux does not wait for it either
 * (the clock controller names the displays' clocks, say).
 */
export function neededBy(node: DeviceNode, index: ReadonlyMap<number, DeviceNode>): Set<DeviceNode> {
  const needed = new Set<DeviceNode>();
  const visit = (one: DeviceNode): void => {
    if (needed.has(one) || !enabled(one)) return;
    needed.add(one);
    for (const parent of parentsOf(one)) visit(parent);
    for (const reference of references(one, index)) visit(reference.node);
  };
  const isPci = strings(node, "device_type")[0] === "pci";
  for (const one of isPci ? nodesOf(node) : [node]) visit(one);
  return needed;
}

const NO_DRIVER: Lack = { text: "has no driver in this kernel" };

function lacksOnTheWay(start: DeviceNode, index: ReadonlyMap<number, DeviceNode>, slot: SlotParts): Lack[] {
  return [...neededBy(start, index)].flatMap((node) => {
    const way = node === start ? "" : `, on which ${start.path} depends,`;
    return lacksOfNode(node, slot).map((lack) => ({ ...lack, text: `${nodeText(node)}${way} ${lack.text}` }));
  });
}

function lacksOfNode(node: DeviceNode, slot: SlotParts): Lack[] {
  // The root's compatible is the board's name, not a device's.
  if (node.parent === undefined) return [];
  const compatibles = strings(node, "compatible").filter((one) => driverless[one] === undefined);
  if (compatibles.length === 0) return [];
  const modules = compatibles.flatMap((one) => slot.modules.forCompatible(one));
  // A module's word comes first: a few tables in the kernel are no driver's (see built-in.ts).
  if (modules.length > 0) return missingModules(modules, slot);
  return compatibles.some(slot.builtIn) ? [] : [NO_DRIVER];
}

function lacksBehind(node: DeviceNode, modalias: string, slot: SlotParts): Lack[] {
  const modules = slot.modules.forModalias(modalias);
  const builtIn = modules.length === 0 && slot.modules.builtInAlias(modalias);
  const lacks = modules.length > 0 ? missingModules(modules, slot) : builtIn ? [] : [NO_DRIVER];
  return lacks.map((lack) => ({ ...lack, text: `${modalias}, behind ${node.path}, ${lack.text}` }));
}

/** Of modules one of which is enough: what the best one still lacks. */
function missingModules(choices: readonly string[], slot: SlotParts): Lack[] {
  const here = (name: string): boolean =>
    slot.modules.builtIn(name) || slot.initramfs.has(slot.modules.path(name) ?? "");
  const lacking = choices
    .map((choice) => ({ choice, missing: slot.modules.needs(choice).filter((group) => !group.some(here)) }))
    .sort((a, b) => a.missing.length - b.missing.length)[0];
  if (lacking === undefined || lacking.missing.length === 0) return [];
  return lacking.missing.map((group) => {
    const module = group[0] ?? lacking.choice;
    const because = group.includes(lacking.choice) ? "" : `, which ${lacking.choice} needs`;
    return {
      module,
      text: `needs the module ${group.join(" or ")}${because}: the initramfs does not hold it`,
    };
  });
}
