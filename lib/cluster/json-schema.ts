import { z } from "zod";
import { identitySchema } from "./identity.ts";
import { clusterSchema } from "./schema.ts";

/** Draft 7: what editors' YAML support understands best. */
function render(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { target: "draft-7", io: "input", unrepresentable: "any" });
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** The JSON Schemas of the files people write, as text, by their name in schema/. */
export function jsonSchemas(): Record<string, string> {
  return { "cluster.schema.json": render(clusterSchema), "identity.schema.json": render(identitySchema) };
}
