import { VARIABLE_ATTRIBUTES } from "./contract.ts";
import { Diagnostic, lineOf } from "./diagnostic.ts";
import { evaluated, type Value } from "./expression.ts";

type Parsed = Readonly<Record<string, unknown>>;

interface Declaration {
  readonly type?: string;
  readonly default?: unknown;
  readonly validation?: readonly { readonly condition: string; readonly error_message: string }[];
}

function typed(name: string, given: string, type: string | undefined): Value {
  // The parser wraps a type, as any expression, in an interpolation.
  switch (type?.slice(2, -1)) {
    case "string":
      return given;
    case "number": {
      const number = Number(given);
      if (given !== "" && Number.isFinite(number)) return number;
      throw new Diagnostic("Invalid value for variable", `The value of "${name}" is not a number.`);
    }
    default:
      throw new Diagnostic(
        "Invalid type specification",
        `The stand-in does not know the type ${type} of "${name}".`,
      );
  }
}

/** The variables' values: given, or by default; each checked by its rules. Throws Diagnostic. */
export async function resolveVariables(
  parsed: Parsed,
  given: ReadonlyMap<string, string>,
  source: string,
): Promise<Record<string, Value>> {
  for (const name of given.keys()) {
    if (parsed[name] !== undefined) continue;
    const detail =
      `A "${name}" variable was passed in the command line but was not found in known\nvariables. ` +
      `To declare variable "${name}", place this block in one of your .pkr\nfiles, such as variables.pkr.hcl`;
    throw new Diagnostic("Undefined -var variable", detail);
  }
  const values: Record<string, Value> = {};
  for (const [name, blocks] of Object.entries(parsed)) {
    const declaration = (blocks as readonly Declaration[])[0] ?? {};
    const unknown = Object.keys(declaration).find((key) => !VARIABLE_ATTRIBUTES.includes(key));
    if (unknown !== undefined) {
      throw new Diagnostic("Unsupported argument", `An argument named "${unknown}" is not expected here.`);
    }
    const value = given.get(name);
    if (value === undefined && declaration.default === undefined) {
      const detail =
        "A used variable must be set or have a default value; see\nhttps://packer.io/docs for details.";
      throw new Diagnostic(`Unset variable "${name}"`, detail);
    }
    values[name] =
      value === undefined ? await evaluated(declaration.default, {}) : typed(name, value, declaration.type);
    for (const rule of declaration.validation ?? []) {
      if ((await evaluated(rule.condition, { var: values })) === true) continue;
      const line = lineOf(source, new RegExp(`(?<=^variable "${name}" \\{[^}]*?)validation \\{`, "m")) ?? 0;
      const at = `This was checked by the validation rule at node.pkr.hcl:${line},3-13.`;
      throw new Diagnostic("Invalid value for cmd variable", `${rule.error_message}\n\n${at}`);
    }
  }
  return values;
}
