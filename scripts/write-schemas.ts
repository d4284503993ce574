// Writes the JSON Schemas that editors and readers use: node scripts/write-schemas.ts
import { join } from "node:path";
import { jsonSchemas } from "../lib/cluster/json-schema.ts";
import { writeAtomically } from "../lib/external/files.ts";
import { channelSchemas } from "../lib/manifest/json-schema.ts";

const folder = join(import.meta.dirname, "..", "schema");
for (const [name, text] of Object.entries({ ...jsonSchemas(), ...channelSchemas() })) {
  await writeAtomically(join(folder, name), text);
  console.log(`schema/${name}`);
}
