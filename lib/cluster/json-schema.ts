import { z } from "zod";
import { identitySchema } from "./identity.ts";
import { clusterSchema } from "./schema.ts";

/** A schema as text, in draft 7: what editors' YAML support understands best. */
export function renderJsonSchema(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { target: "draft-7", io: "input", unrepresentable: "any" });
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** The JSON Schemas of the files people write, as text, by their name in schema/. */
export function jsonSchemas(): Record<string, string> {
  return {
    "cluster.schema.json": renderJsonSchema(clusterSchema),
    "identity.schema.json": renderJsonSchema(identitySchema),
  };
}
