import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from "yaml";

export type Path = readonly PropertyKey[];

/** The node itself, or what an alias stands for; undefined where its anchor is nowhere above it. */
export type Resolve = (node: unknown) => unknown;

/** One walk for all aliases of a document: the library's own look-up walks once for each. */
export function aliasResolver(document: Document): Resolve {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node | undefined>();
  visit(document, {
    Alias: (_, alias) => void targets.set(alias, anchors.get(alias.source)),
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return (node) => (isAlias(node) ? targets.get(node) : node);
}

export function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

export function keyOf(pair: Pair): unknown {
  return isScalar(pair.key) ? pair.key.value : undefined;
}

/** What `<<: value` merges: one map or a list of them, aliases resolved. */
export function mergedNodes(pair: Pair, resolve: Resolve): unknown[] {
  const source = resolve(pair.value);
  return (isSeq(source) ? source.items : [source]).map(resolve);
}

/** The pair that gives `key` its value: the map's own, else the one merged in by `<<`. */
function findPair(map: YAMLMap, key: PropertyKey, resolve: Resolve): Pair | undefined {
  // Of a duplicate key the last one counts, as in the plain value.
  const own = map.items.findLast((pair) => keyOf(pair) === key);
  if (own !== undefined) return own;
  for (const pair of map.items.filter((item) => keyOf(item) === "<<")) {
    for (const merged of mergedNodes(pair, resolve)) {
      const found = isMap(merged) ? findPair(merged, key, resolve) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

export interface FoundNode {
  readonly node: unknown;
  /** Characters from the start of the file to the key (or the item of a list), and to the value. */
  readonly keyOffset: number;
  readonly offset: number;
}

/** The node at `path`; where that is absent, the place of the nearest one above it and no node. */
export function findNode(document: Document, path: Path, resolve: Resolve): FoundNode {
  const start = startOf(document.contents) ?? 0;
  let found: FoundNode = { node: document.contents, keyOffset: start, offset: start };
  for (const step of path) {
    const container = resolve(found.node);
    const pair = isMap(container) ? findPair(container, step, resolve) : undefined;
    const node = isSeq(container) ? container.items[Number(step)] : pair?.value;
    if (pair === undefined && node === undefined) return { ...found, node: undefined };
    const keyOffset = startOf(pair?.key) ?? startOf(node) ?? found.offset;
    found = { node, keyOffset, offset: startOf(node) ?? keyOffset };
  }
  return found;
}
