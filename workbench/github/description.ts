import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";

type Method = "get" | "post" | "patch" | "delete";

interface Schema {
  readonly $ref?: string;
  readonly [key: string]: unknown;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
  readonly $ref?: string;
}

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Content>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Partial<Record<Method, Operation>>>>;
  readonly components: {
    readonly schemas: Record<string, { properties: Record<string, { enum?: string[] }> }>;
  };
}

export interface Exchange {
  readonly query: Readonly<Record<string, string>>;
  /** Undefined: none, or one that is no JSON. */
  readonly requestBody: unknown;
  readonly status: number;
  readonly responseBody: unknown;
}

const FILE = "@octokit/openapi/generated/api.github.com.json";
const ID = "github";

/** What any operation may be answered with, though the description leaves it out. */
const ANYWHERE = new Set([401, 403, 404, 422, 429, 500, 502, 503]);

/** GitHub's published description of its API: says what is wrong with an exchange, as text. */
export function apiDescription() {
  const file = createRequire(import.meta.url).resolve(FILE);
  const description = JSON.parse(readFileSync(file, "utf8")) as Description;
  // "may leave an empty asset with a state of `starter`" says the text of the upload; the list lacks it.
  description.components.schemas["release-asset"]?.properties.state?.enum?.push("starter");
  // Formats of the description that JSON Schema does not know (binary, timestamp) are let be.
  const ajv = new Ajv({ strict: false, validateSchema: false, coerceTypes: false, logger: false });
  formats.default(ajv);
  ajv.addSchema(description, ID);
  const compiled = new Map<string, ValidateFunction>();
  const wrongWith = (key: string, schema: Schema, value: unknown): string[] => {
    const validate = compiled.get(key) ?? ajv.compile(rooted(schema));
    compiled.set(key, validate);
    if (validate(value) === true) return [];
    return (validate.errors ?? []).map((error) => `${key}${error.instancePath} ${error.message}`);
  };
  const whole = <T extends { readonly $ref?: string }>(value: T): T =>
    value.$ref === undefined ? value : (pointedAt(description, value.$ref) as T);

  return {
    /** `template` as in the description: `/repos/{owner}/{repo}/releases`. */
    problems(method: string, template: string, exchange: Exchange): string[] {
      const operation = description.paths[template]?.[method.toLowerCase() as Method];
      if (operation === undefined) return [`${method} ${template} is not in GitHub's description`];
      const id = operation.operationId;
      const parameters = (operation.parameters ?? []).map(whole).filter((one) => one.in === "query");
      return [
        ...parameters.flatMap((one) => queryProblems(id, one, exchange.query, wrongWith)),
        ...Object.keys(exchange.query)
          .filter((name) => !parameters.some((one) => one.name === name))
          .map((name) => `${id}: no query parameter ${name}`),
        ...requestProblems(operation, exchange.requestBody, wrongWith),
        ...answerProblems(operation, exchange, wrongWith, whole),
      ];
    },
  };
}

export type ApiDescription = ReturnType<typeof apiDescription>;
type WrongWith = (key: string, schema: Schema, value: unknown) => string[];

function queryProblems(
  id: string,
  { name, required, schema }: Parameter,
  query: Exchange["query"],
  wrongWith: WrongWith,
): string[] {
  const value = query[name];
  if (value === undefined) return required === true ? [`${id}: query parameter ${name} is missing`] : [];
  return wrongWith(`${id} ?${name}`, schema, schema.type === "integer" ? Number(value) : value);
}

function requestProblems(
  { operationId, requestBody }: Operation,
  body: unknown,
  wrongWith: WrongWith,
): string[] {
  const schema = requestBody?.content?.["application/json"]?.schema;
  if (schema === undefined) return [];
  if (body === undefined) return requestBody?.required === true ? [`${operationId}: no body`] : [];
  const known = Object.keys((schema.properties ?? {}) as object);
  const unknown = Object.keys(body as object).filter((key) => !known.includes(key));
  return [
    ...wrongWith(`${operationId} request`, schema, body),
    ...unknown.map((key) => `${operationId} request: no property ${key}`),
  ];
}

function answerProblems(
  operation: Operation,
  { status, responseBody }: Exchange,
  wrongWith: WrongWith,
  whole: (content: Content) => Content,
): string[] {
  const { operationId, responses } = operation;
  const described = responses[String(status)];
  const basic: Schema = { $ref: "#/components/schemas/basic-error" };
  if (described === undefined && !ANYWHERE.has(status)) return [`${operationId}: no answer ${status}`];
  if (status === 302) return [];
  const content = described === undefined ? undefined : whole(described).content;
  const schema = content?.["application/json"]?.schema ?? (status >= 400 ? basic : undefined);
  if (schema === undefined) {
    return responseBody === undefined ? [] : [`${operationId} ${status}: a body, where none is described`];
  }
  return wrongWith(`${operationId} ${status}`, schema, responseBody);
}

/** References of a part, seen from outside the description. */
function rooted(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${ID}#/`)) as Schema;
}

function pointedAt(root: unknown, reference: string): unknown {
  return reference
    .replace("#/", "")
    .split("/")
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], root);
}
