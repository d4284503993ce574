import { getExpressionAst } from "@cdktf/hcl2json";

/** A value of the template language. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };
export type Scope = Readonly<Record<string, Value>>;

/** An expression that has no value: names the reason as packer's own diagnostics do. */
export class ExpressionError extends Error {}

interface Node {
  readonly type: string;
  readonly children: readonly Node[];
  readonly meta?: {
    readonly type?: string;
    readonly value?: string;
    readonly name?: string;
    readonly operator?: string;
    readonly traversal?: readonly { readonly segment: string }[];
  };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

function withoutEscapes(raw: string): string {
  return raw.replace(/\\(.)/gs, (_, letter: string) => ESCAPES[letter] ?? letter).replaceAll("$${", "${");
}

function asList(value: Value | undefined): readonly Value[] {
  if (Array.isArray(value)) return value as readonly Value[];
  throw new ExpressionError("Invalid function argument: list required.");
}

function asText(value: Value | undefined): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new ExpressionError("Invalid function argument: string required.");
}

const FUNCTIONS: Readonly<Record<string, (...values: readonly Value[]) => Value>> = {
  concat: (...lists) => lists.flatMap(asList),
  join: (separator, ...lists) => lists.flatMap(asList).map(asText).join(asText(separator)),
  length: (value) => (typeof value === "string" ? value.length : asList(value).length),
  regex: (pattern, text) => {
    const found = new RegExp(asText(pattern)).exec(asText(text));
    if (found === null) throw new ExpressionError("pattern did not match any part of the given string");
    return found[0];
  },
};

const OPERATORS: Readonly<Record<string, (left: Value, right: Value) => Value>> = {
  equal: (left, right) => JSON.stringify(left) === JSON.stringify(right),
  notEqual: (left, right) => JSON.stringify(left) !== JSON.stringify(right),
  greaterThan: (left, right) => Number(left) > Number(right),
  greaterThanOrEqual: (left, right) => Number(left) >= Number(right),
  lessThan: (left, right) => Number(left) < Number(right),
  lessThanOrEqual: (left, right) => Number(left) <= Number(right),
  logicalAnd: (left, right) => left === true && right === true,
  logicalOr: (left, right) => left === true || right === true,
};

function literal(node: Node): Value {
  const value = node.meta?.value ?? "";
  switch (node.meta?.type) {
    case "string":
      return withoutEscapes(value);
    case "number":
      return Number(value);
    case "bool":
      return value === "true";
    default:
      return null;
  }
}

function traverse(node: Node, scope: Scope): Value {
  const path = (node.meta?.traversal ?? []).map((step) => step.segment);
  let value: Value | undefined = scope;
  for (const segment of path) {
    value =
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? (value as Scope)[segment]
        : undefined;
    if (value === undefined)
      throw new ExpressionError(`Unsupported attribute: ${path.join(".")} has no value.`);
  }
  return value;
}

function call(node: Node, scope: Scope): Value {
  const name = node.meta?.name ?? "";
  if (name === "can") {
    try {
      evaluate(child(node, 0), scope);
      return true;
    } catch (error) {
      if (error instanceof ExpressionError) return false;
      throw error;
    }
  }
  const found = FUNCTIONS[name];
  if (found === undefined)
    throw new ExpressionError(`Call to unknown function: There is no function named "${name}".`);
  return found(...node.children.map((argument) => evaluate(argument, scope)));
}

function child(node: Node, index: number): Node {
  const found = node.children[index];
  if (found === undefined) throw new ExpressionError(`${node.type} lacks an operand`);
  return found;
}

function evaluate(node: Node, scope: Scope): Value {
  const operand = (index: number): Value => evaluate(child(node, index), scope);
  switch (node.type) {
    case "literalValue":
      return literal(node);
    case "template":
      return node.children.map((part) => asText(evaluate(part, scope))).join("");
    case "templateWrap":
    case "":
      return operand(0);
    case "scopeTraversal":
      return traverse(node, scope);
    case "conditional":
      return operand(0) === true ? operand(1) : operand(2);
    case "tuple":
      return node.children.map((item) => evaluate(item, scope));
    case "function":
      return call(node, scope);
    case "unaryOp":
      return node.meta?.operator === "negate" ? -Number(operand(0)) : operand(0) !== true;
    case "binaryOp": {
      const operator = OPERATORS[node.meta?.operator ?? ""];
      if (operator !== undefined) return operator(operand(0), operand(1));
      throw new ExpressionError(`operator ${node.meta?.operator} is not known to the stand-in`);
    }
    default:
      throw new ExpressionError(`${node.type} is not known to the stand-in`);
  }
}

/** Position just past the `}` that closes the `${` at `start`. */
function endOfInterpolation(text: string, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted && letter === "\\") at += 1;
    else if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === "{") depth += 1;
    else if (!quoted && letter === "}") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw new ExpressionError("Unterminated template string");
}

async function evaluateText(source: string, scope: Scope): Promise<Value> {
  const tree = (await getExpressionAst("expression", source)) as Node | null;
  if (tree === null) throw new ExpressionError(`no expression: ${source}`);
  return evaluate(tree, scope);
}

/**
 * The value of one attribute as the parser gives it: text with `${...}` in it, or lists and maps of such.
 * Text that is one interpolation has that expression's own type.
 */
export async function evaluated(parsed: unknown, scope: Scope): Promise<Value> {
  if (Array.isArray(parsed)) return Promise.all(parsed.map((item) => evaluated(item, scope)));
  if (typeof parsed === "number" || typeof parsed === "boolean" || parsed === null) return parsed;
  if (typeof parsed !== "string") throw new ExpressionError("maps are not known to the stand-in");
  const parts: Value[] = [];
  let at = 0;
  while (at < parsed.length) {
    const next = parsed.indexOf("${", at);
    if (next < 0 || parsed[next - 1] === "$") {
      parts.push(parsed.slice(at).replaceAll("$${", "${"));
      break;
    }
    if (next > at) parts.push(parsed.slice(at, next));
    const end = endOfInterpolation(parsed, next + 1);
    parts.push(await evaluateText(parsed.slice(next + 2, end - 1), scope));
    at = end;
  }
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only;
  return parts.map(asText).join("");
}
