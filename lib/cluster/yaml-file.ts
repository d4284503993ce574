import { type Document, isScalar, LineCounter, parseDocument } from "yaml";
import type { Place } from "../failure.ts";
import type { Problem } from "./failure.ts";
import { aliasResolver, findNode, type Path, startOf } from "./yaml-nodes.ts";
import { checkNodes, checkSyntax, type Report } from "./yaml-problems.ts";

export type { Path } from "./yaml-nodes.ts";

/** A YAML file as plain values, with a way back from each value to its place in the file. */
export interface YamlFile {
  readonly value: unknown;
  /** What is wrong with the file before anyone looks at its meaning. */
  readonly problems: readonly Problem[];
  /** Where the value at `path` stands (or its key); where that is absent, the nearest place above it. */
  placeOf(path: Path, part: "key" | "value"): Place;
  /** A number or word as it is written in the file: 0123, not 123. Undefined where a map or list stands. */
  sourceOf(path: Path): string | undefined;
}

/** Keys are texts (1: is "1":), duplicates are ours to report, and messages come without the parser's excerpts. */
const options = { prettyErrors: false, stringKeys: true, uniqueKeys: false, merge: true } as const;

/**
 * Reads YAML 1.2 with anchors and merges. Never throws: whatever is wrong is in `problems`, and `value` is
 * undefined where no meaning can be given to the file. `file` is the name shown in places.
 */
export function readYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const document: Document = parseDocument(text, { ...options, lineCounter: lines });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const report: Report = (code, at, message, fix) => {
    const place = placeAt(typeof at === "number" ? at : (startOf(at) ?? 0));
    problems.push({ code, message, place, fix });
  };
  checkSyntax(document, report);
  // A file whose syntax is broken has no nodes worth a look: what they seem to say would only add noise.
  const readable = problems.length === 0;
  const resolve = readable ? aliasResolver(document) : (node: unknown) => node;
  if (readable) checkNodes(document, resolve, (node) => placeAt(startOf(node) ?? 0).line ?? 1, report);
  const meaningful = problems.every(({ code }) => code === "DUPLICATE_KEY");
  return {
    // Alias bombs are refused above, by what they weigh.
    value: meaningful ? document.toJS({ maxAliasCount: -1 }) : undefined,
    problems,
    placeOf: (path, part) => {
      const { keyOffset, offset } = findNode(document, path, resolve);
      return placeAt(part === "key" ? keyOffset : offset);
    },
    sourceOf: (path) => {
      const node = resolve(findNode(document, path, resolve).node);
      return isScalar(node) ? node.source : undefined;
    },
  };
}
