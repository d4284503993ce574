import { z } from "zod";
import type { DefinitionCode, Problem } from "./failure.ts";
import { suggest } from "./nearest.ts";
import { valueAt } from "./raw-value.ts";
import { showPath, showValue } from "./show.ts";
import type { Objection } from "./text-rules.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

type Issue = z.core.$ZodIssue;

const expectedWords: Readonly<Record<string, readonly [name: string, fix: string]>> = {
  string: ["a text", "write a text"],
  boolean: ["true or false", "write true or false, without quotes"],
  array: ["a list", "write a list: [one, two]"],
  object: ["a map", "write indented lines of the form key: value"],
  record: ["a map", "write indented lines of the form name: value"],
};

/** The schema behind optional, default and prefault. */
function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrapped(schema.unwrap());
  }
  return schema;
}

function keysAt(schema: z.ZodType, path: Path): string[] {
  let at: unknown = unwrapped(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrapped(at.shape[String(step)]);
    else if (at instanceof z.ZodRecord) at = unwrapped(at.valueType);
    else if (at instanceof z.ZodArray) at = unwrapped(at.element);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** A problem with the value at `path`, shown with its place. */
export function problemAt(
  file: YamlFile,
  path: Path,
  objection: Objection,
  part: "key" | "value" = "value",
): Problem {
  const value = part === "key" ? String(path.at(-1)) : valueAt(file.value, path);
  return {
    code: objection.code,
    message: `${objection.message} in ${showPath(part === "key" ? path.slice(0, -1) : path)}`,
    place: file.placeOf(path, part),
    ...(objection.hidden === true || value === undefined ? {} : { value: showValue(value) }),
    fix: objection.fix,
  };
}

function wrongType(file: YamlFile, path: Path, expected: string): Problem {
  const value = valueAt(file.value, path);
  if (path.length === 0 && (value === null || value === undefined)) {
    const place = file.placeOf([], "value");
    return {
      code: "WRONG_TYPE",
      message: "the file is empty",
      place,
      fix: `begin with a line "cluster: NAME"`,
    };
  }
  const [name, advice] = expectedWords[expected] ?? [expected, `write ${expected}`];
  const isScalar = typeof value === "number" || typeof value === "boolean";
  const written = (isScalar ? file.sourceOf(path) : undefined) ?? showValue(value);
  const fix = expected === "string" && isScalar ? `put it in quotes: "${written}"` : advice;
  // An empty value is absent to the one who wrote it: nothing stands behind the colon.
  const found = value === null || value === undefined ? "nothing" : written;
  const code: DefinitionCode = "WRONG_TYPE";
  return {
    code,
    message: `${found} instead of ${name} in ${showPath(path)}`,
    place: file.placeOf(path, value === null ? "key" : "value"),
    value: written,
    fix,
  };
}

function missingKey(file: YamlFile, path: Path): Problem {
  const name = String(path.at(-1));
  const owner = path.slice(0, -1);
  const message = `no "${name}" in ${showPath(owner)}`;
  return { code: "MISSING_KEY", message, place: file.placeOf(owner, "key"), fix: `add "${name}: ..."` };
}

function unknownKeys(file: YamlFile, schema: z.ZodType, path: Path, keys: readonly string[]): Problem[] {
  const known = keysAt(schema, path);
  return keys.map((key) => {
    const fix = suggest(key, "keys here", known);
    return problemAt(
      file,
      [...path, key],
      { code: "UNKNOWN_KEY", message: `unknown key "${key}"`, fix },
      "key",
    );
  });
}

/** Says in words, with a place, what zod found. */
export function explainIssue(file: YamlFile, schema: z.ZodType, issue: Issue): Problem[] {
  const path = issue.path;
  const value = valueAt(file.value, path);
  if (issue.code === "unrecognized_keys") return unknownKeys(file, schema, path, issue.keys);
  if (value === undefined && path.length > 0) return [missingKey(file, path)];
  if (issue.code === "invalid_type") return [wrongType(file, path, issue.expected)];
  if (issue.code === "custom" && issue.params?.objection !== undefined) {
    return [problemAt(file, path, issue.params.objection as Objection)];
  }
  const values = issue.code === "invalid_value" ? issue.values.map(String) : [];
  const fix = values.length > 0 ? suggest(String(value), "values", values) : issue.message;
  const message = `${showValue(value)} is not allowed`;
  return [problemAt(file, path, { code: "WRONG_VALUE", message, fix })];
}
