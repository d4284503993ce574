import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import type { Place } from "../failure.ts";
import type { DefinitionCode, Problem } from "./failure.ts";

export type Path = readonly PropertyKey[];

/** A YAML file as plain values, with a way back from each value to its place in the file. */
export interface YamlFile {
  readonly value: unknown;
  /** What is wrong with the file before anyone looks at its meaning. */
  readonly problems: readonly Problem[];
  /** Where the value at `path` stands (or its key); where that is absent, the nearest place above it. */
  placeOf(path: Path, part: "key" | "value"): Place;
}

/** Uses of anchors in one file; beyond, values multiply (an alias bomb) or nobody can read the file. */
const MAX_ALIASES = 300;
const SHOWN_SYNTAX_ERRORS = 10;

type Report = (
  code: DefinitionCode,
  at: Node | number | null | undefined,
  message: string,
  fix: string,
) => void;

function resolved(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function keyOf(pair: Pair): unknown {
  return isScalar(pair.key) ? pair.key.value : undefined;
}

/** The pair that gives `key` its value: the map's own, else the one merged in by `<<`. */
function findPair(document: Document, map: YAMLMap, key: PropertyKey): Pair | undefined {
  // Of a duplicate key the last one counts, as in the plain value.
  const own = map.items.findLast((pair) => keyOf(pair) === key);
  if (own !== undefined) return own;
  for (const pair of map.items.filter((item) => keyOf(item) === "<<")) {
    const source = resolved(document, pair.value);
    for (const item of isSeq(source) ? source.items : [source]) {
      const merged = resolved(document, item);
      const found = isMap(merged) ? findPair(document, merged, key) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function startOf(at: unknown): number | undefined {
  return (at as Node | null | undefined)?.range?.[0];
}

function offsetOf(document: Document, path: Path, part: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, step] of path.entries()) {
    const container = resolved(document, node);
    const last = index === path.length - 1;
    if (isMap(container)) {
      const pair = findPair(document, container, step);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      if (last && part === "key") return offset;
      node = pair.value;
    } else if (isSeq(container)) {
      node = container.items[Number(step)];
    } else return offset;
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function checkDuplicates(map: YAMLMap, lineOf: (node: unknown) => number, report: Report): void {
  const first = new Map<unknown, unknown>();
  for (const pair of map.items) {
    const key = keyOf(pair);
    if (key === undefined || key === "<<") continue;
    if (first.has(key)) {
      const message = `"${String(key)}" is there twice: first on line ${lineOf(first.get(key))}`;
      report("DUPLICATE_KEY", pair.key as Node, message, "rename or remove one of them");
    } else first.set(key, pair.key);
  }
}

function checkAlias(document: Document, alias: Alias, parents: readonly unknown[], report: Report): void {
  const target = alias.resolve(document);
  if (target === undefined) {
    const fix = `write "&${alias.source}" at the value that is meant, above this line`;
    report("YAML_SYNTAX", alias, `"*${alias.source}" names no anchor`, fix);
  } else if (parents.includes(target)) {
    report("YAML_ALIASES", alias, `"*${alias.source}" contains itself`, "write the value out");
  }
}

function checkMerge(document: Document, pair: Pair, report: Report): void {
  if (keyOf(pair) !== "<<") return;
  const source = resolved(document, pair.value);
  const items = isSeq(source) ? source.items : [source];
  if (items.every((item) => isMap(resolved(document, item)))) return;
  report(
    "YAML_SYNTAX",
    pair.key as Node,
    `"<<" merges maps only`,
    `write "<<: *anchor" with the anchor of a map`,
  );
}

function checkNodes(document: Document, lineOf: (node: unknown) => number, report: Report): void {
  let aliases = 0;
  visit(document, {
    Map: (_, map) => checkDuplicates(map, lineOf, report),
    Pair: (_, pair) => checkMerge(document, pair, report),
    Alias: (_, alias, parents) => {
      aliases += 1;
      checkAlias(document, alias, parents, report);
      if (aliases <= MAX_ALIASES) return undefined;
      report("YAML_ALIASES", alias, `more than ${MAX_ALIASES} aliases`, "write some of the values out");
      return visit.BREAK;
    },
  });
}

function checkSyntax(document: Document, report: Report): void {
  const found = [...document.errors, ...document.warnings];
  const exhausted = found.find((error) => error.code === "RESOURCE_EXHAUSTION");
  if (exhausted !== undefined) {
    report("YAML_SYNTAX", exhausted.pos[0], "nested too deeply", "a definition needs six levels at most");
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

const GENERAL_FIX = "check indentation, brackets and quotes on this line and the one above";

const syntaxFixes: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: `remove the "---" line`,
  TAB_AS_INDENT: "indent with spaces",
  TAG_RESOLVE_FAILED: "remove the tag, or quote a text that begins with !",
  NON_STRING_KEY: "write the key as plain text",
  BAD_SCALAR_START: "put the text in quotes",
};

function plainValue(document: Document, report: Report): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    report("YAML_ALIASES", 0, "aliases of aliases multiply beyond measure", "write the values out");
    return undefined;
  }
}

/**
 * Reads YAML 1.2 with anchors and merges. Never throws: whatever is wrong is in `problems`, and `value` is
 * undefined where no meaning can be given to the file. `file` is the name shown in places.
 */
export function readYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
    merge: true,
  };
  const document = parseDocument(text, options) as Document;
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const report: Report = (code, at, message, fix) => {
    const offset = typeof at === "number" ? at : (startOf(at) ?? 0);
    problems.push({ code, message, place: placeAt(offset), fix });
  };
  checkSyntax(document, report);
  if (problems.length === 0) {
    checkNodes(document, (node) => placeAt(startOf(isPair(node) ? node.key : node) ?? 0).line ?? 1, report);
  }
  const meaningless = problems.some(({ code }) => code !== "DUPLICATE_KEY");
  return {
    value: meaningless ? undefined : plainValue(document, report),
    problems,
    placeOf: (path, part) => placeAt(offsetOf(document, path, part)),
  };
}
