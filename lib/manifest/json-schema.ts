import { renderJsonSchema } from "../cluster/json-schema.ts";
import { channelDocument } from "./channel.ts";

/** The JSON Schema of the channel documents, as text, by its name in schema/. */
export function channelSchemas(): Record<string, string> {
  return { "channel.schema.json": renderJsonSchema(channelDocument) };
}
