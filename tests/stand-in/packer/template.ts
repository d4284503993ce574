import { parse } from "@cdktf/hcl2json";
import { type AttributeType, SHELL_LOCAL_ATTRIBUTES, SOURCE_ATTRIBUTES, SOURCE_BLOCKS } from "./contract.ts";
import { Diagnostic, lineOf } from "./diagnostic.ts";
import { evaluated, type Scope, type Value } from "./expression.ts";
import { resolveVariables } from "./variables.ts";

export type Attributes = Readonly<Record<string, Value>>;

/** The template with every expression worked out. */
export interface Template {
  readonly source: Attributes;
  readonly blocks: Readonly<Record<string, readonly Attributes[]>>;
  readonly provisioner: Attributes;
  readonly plugins: readonly { readonly source: string; readonly version: string }[];
}

type Parsed = Readonly<Record<string, unknown>>;

function blocks(parsed: unknown): readonly Parsed[] {
  return Array.isArray(parsed) ? (parsed as Parsed[]) : [];
}

function only(parsed: unknown, what: string): Parsed {
  const [first, ...others] = blocks(parsed);
  if (first === undefined || others.length > 0)
    throw new Diagnostic(`Expected one ${what}`, "The stand-in takes one.");
  return first;
}

function within(parsed: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Parsed | undefined)?.[key], parsed);
}

function check(name: string, value: Value, type: AttributeType, line: number | undefined): Value {
  const isText = (item: unknown): boolean => typeof item === "string" || typeof item === "number";
  const isTexts = (item: unknown): boolean => Array.isArray(item) && item.every(isText);
  const good = {
    string: isText(value),
    number: value !== "" && Number.isFinite(Number(value)),
    strings: isTexts(value),
    "lists of strings": Array.isArray(value) && value.every(isTexts),
  };
  if (good[type]) return type === "number" ? Number(value) : value;
  throw new Diagnostic(
    "Incorrect attribute value type",
    `Inappropriate value for attribute "${name}": ${type} required.`,
    line,
  );
}

async function attributes(
  parsed: Parsed,
  known: Readonly<Record<string, AttributeType>>,
  scope: Scope,
  source: string,
): Promise<Attributes> {
  const found: Record<string, Value> = {};
  for (const [name, value] of Object.entries(parsed)) {
    const line = lineOf(source, new RegExp(`^\\s*${name}\\s*(?:=|\\{)`, "m"));
    const type = known[name];
    if (type === undefined) {
      throw new Diagnostic("Unsupported argument", `An argument named "${name}" is not expected here.`, line);
    }
    found[name] = check(name, await evaluated(value, scope), type, line);
  }
  return found;
}

/** A block's instances: those written out, then those a `dynamic` block makes. */
async function instances(body: Parsed, name: string, scope: Scope, source: string): Promise<Attributes[]> {
  const known = SOURCE_BLOCKS[name] ?? {};
  const written = blocks(body[name]).map((block) => attributes(block, known, scope, source));
  const made: Promise<Attributes>[] = [];
  for (const dynamic of blocks(within(body, "dynamic", name))) {
    const each = await evaluated(dynamic.for_each, scope);
    for (const value of Array.isArray(each) ? (each as readonly Value[]) : []) {
      const content = only(dynamic.content, "content block");
      made.push(attributes(content, known, { ...scope, [name]: { value } }, source));
    }
  }
  return Promise.all([...written, ...made]);
}

/** Turns the parser's `[file:1,7-2,1: Summary; Detail. file:...]` into the first error. */
function syntaxError(error: unknown): unknown {
  const [, line, summary, detail] =
    /:(\d+),\d+-\d+(?:,\d+)?: ([^;]+); (.*?)(?: \S+:\d+,\d+-|\]|, and \d+ other|$)/s.exec(String(error)) ??
    [];
  if (line === undefined || summary === undefined) return error;
  return new Diagnostic(summary, detail ?? "", Number(line));
}

/** Parses and checks a template with the values given. Throws Diagnostic. */
export async function loadTemplate(
  file: string,
  source: string,
  given: ReadonlyMap<string, string>,
): Promise<Template> {
  const parsed: Parsed = await parse(file, source).catch((error: unknown) => {
    throw syntaxError(error);
  });
  for (const name of Object.keys(parsed)) {
    if (["packer", "variable", "source", "build"].includes(name)) continue;
    throw new Diagnostic("Unsupported block type", `Blocks of type "${name}" are not expected here.`);
  }
  const scope: Scope = { var: await resolveVariables(within(parsed, "variable") as Parsed, given, source) };
  const body = only(within(parsed, "source", "arm", "node"), 'source "arm" "node"');
  const build = only(parsed.build, "build block");
  if (JSON.stringify(build.sources) !== '["source.arm.node"]') {
    throw new Diagnostic("Unknown source", "The build must use source.arm.node.");
  }
  const unknown = Object.keys((body.dynamic ?? {}) as Parsed).find(
    (name) => SOURCE_BLOCKS[name] === undefined,
  );
  if (unknown !== undefined) {
    throw new Diagnostic("Unsupported block type", `Blocks of type "${unknown}" are not expected here.`);
  }
  const plain = Object.entries(body).filter(
    ([name]) => name !== "dynamic" && SOURCE_BLOCKS[name] === undefined,
  );
  const made = Object.keys(SOURCE_BLOCKS).map(
    async (name) => [name, await instances(body, name, scope, source)] as const,
  );
  const shell = only(within(build, "provisioner", "shell-local"), 'provisioner "shell-local"');
  const plugins = only(
    within(only(parsed.packer, "packer block"), "required_plugins"),
    "required_plugins block",
  );
  return {
    source: await attributes(Object.fromEntries(plain), SOURCE_ATTRIBUTES, scope, source),
    blocks: Object.fromEntries(await Promise.all(made)),
    provisioner: await attributes(shell, SHELL_LOCAL_ATTRIBUTES, scope, source),
    plugins: Object.values(plugins) as { source: string; version: string }[],
  };
}
