import {
  type Alias,
  type Document,
  isMap,
  isPair,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from "yaml";
import type { DefinitionCode } from "./failure.ts";
import { keyOf, mergedNodes, type Resolve } from "./yaml-nodes.ts";

/** Values that aliases may add to one file: beyond, it is an alias bomb. */
const MAX_ALIASED_VALUES = 100_000;
/** Levels of maps and lists. */
const MAX_DEPTH = 64;
const SHOWN_SYNTAX_ERRORS = 10;

/** Takes a problem at a node, or at so many characters from the start of the file. */
export type Report = (code: DefinitionCode, at: unknown, message: string, fix: string) => void;

const TOO_DEEP = ["nested too deeply", `${MAX_DEPTH} levels are allowed`] as const;
const GENERAL_FIX = "check indentation, brackets and quotes on this line and the one above";

const syntaxFixes: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: `remove the "---" line`,
  TAB_AS_INDENT: "indent with spaces",
  TAG_RESOLVE_FAILED: "remove the tag, or quote a text that begins with !",
  NON_STRING_KEY: "write the key as plain text",
  BAD_SCALAR_START: "put the text in quotes",
};

/** What the parser itself objects to. */
export function checkSyntax(document: Document, report: Report): void {
  const found = [...document.errors, ...document.warnings];
  if (found.some((error) => error.code === "RESOURCE_EXHAUSTION")) {
    // How far the parser came says nothing about the file.
    report("YAML_SYNTAX", 0, ...TOO_DEEP);
    return;
  }
  const places = new Set<number>();
  for (const { code, pos, message } of found) {
    if (places.has(pos[0]) || places.size === SHOWN_SYNTAX_ERRORS) continue;
    places.add(pos[0]);
    const text = code === "MULTIPLE_DOCS" ? "a second document begins here" : message;
    report(
      "YAML_SYNTAX",
      pos[0],
      text.charAt(0).toLowerCase() + text.slice(1),
      syntaxFixes[code] ?? GENERAL_FIX,
    );
  }
}

function checkDuplicates(map: YAMLMap, lineOf: (node: unknown) => number, report: Report): void {
  const first = new Map<unknown, unknown>();
  for (const pair of map.items) {
    const key = keyOf(pair);
    if (key === undefined || key === "<<") continue;
    if (first.has(key)) {
      const message = `"${String(key)}" is there twice: first on line ${lineOf(first.get(key))}`;
      report("DUPLICATE_KEY", pair.key, message, "rename or remove one of them");
    } else first.set(key, pair.key);
  }
}

function checkAlias(alias: Alias, parents: readonly unknown[], resolve: Resolve, report: Report): void {
  const target = resolve(alias);
  if (target === undefined) {
    const fix = `write "&${alias.source}" at the value that is meant, above this line`;
    report("YAML_SYNTAX", alias, `"*${alias.source}" names no anchor`, fix);
  } else if (parents.includes(target)) {
    report("YAML_ALIASES", alias, `"*${alias.source}" contains itself`, "write the value out");
  }
}

function checkMerge(pair: Pair, resolve: Resolve, report: Report): void {
  if (keyOf(pair) !== "<<" || mergedNodes(pair, resolve).every(isMap)) return;
  report("YAML_SYNTAX", pair.key, `"<<" merges maps only`, `write "<<: *anchor" with the anchor of a map`);
}

/** How many values a node stands for once its aliases are written out. A self-containing alias counts once. */
function weigher(resolve: Resolve): (node: unknown) => number {
  const weights = new Map<unknown, number>();
  const weigh = (node: unknown): number => {
    const target = resolve(node);
    const known = weights.get(target);
    if (known !== undefined) return known;
    weights.set(target, 1);
    const children = isMap(target)
      ? target.items.map(({ value }) => value)
      : isSeq(target)
        ? target.items
        : [];
    const weight = children.reduce<number>((sum, child) => sum + weigh(child), 1);
    weights.set(target, weight);
    return weight;
  };
  return weigh;
}

/** Duplicate keys, aliases and merges that mean nothing, nesting and alias bombs. */
export function checkNodes(
  document: Document,
  resolve: Resolve,
  lineOf: (node: unknown) => number,
  report: Report,
): void {
  const weigh = weigher(resolve);
  let aliased = 0;
  visit(document, {
    Collection: (_, node: Node, parents) => {
      if (isMap(node)) checkDuplicates(node as YAMLMap, lineOf, report);
      if (parents.filter((parent) => !isPair(parent)).length <= MAX_DEPTH) return undefined;
      report("YAML_SYNTAX", node, ...TOO_DEEP);
      return visit.BREAK;
    },
    Pair: (_, pair) => checkMerge(pair, resolve, report),
    Alias: (_, alias, parents) => {
      checkAlias(alias, parents, resolve, report);
      aliased += weigh(alias);
      if (aliased <= MAX_ALIASED_VALUES) return undefined;
      const message = `aliases make more than ${MAX_ALIASED_VALUES} values of this file`;
      report("YAML_ALIASES", alias, message, "write the values out");
      return visit.BREAK;
    },
  });
}
