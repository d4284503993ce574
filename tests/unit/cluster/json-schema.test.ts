import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderIdentity, renderIdentityExample } from "../../../lib/cluster/identity.ts";
import { jsonSchemas } from "../../../lib/cluster/json-schema.ts";
import { loadDefinition } from "../../../lib/cluster/load.ts";
import { fixtures } from "./definition-cases.ts";

const project = join(import.meta.dirname, "..", "..", "..");

async function validator(name: string) {
  const schema = JSON.parse(await readFile(join(project, "schema", name), "utf8"));
  return new Ajv({ allErrors: true, strictTypes: false }).compile(schema);
}

async function read(...path: string[]): Promise<unknown> {
  return parse(await readFile(join(...path), "utf8"), { merge: true });
}

describe("schema/", () => {
  it.each(Object.entries(jsonSchemas()))(
    "%s is current (node scripts/write-schemas.ts)",
    async (name, text) => {
      expect(await readFile(join(project, "schema", name), "utf8")).toBe(text);
    },
  );

  it("takes the example and another good definition", async () => {
    const validate = await validator("cluster.schema.json");
    expect(validate(await read(project, "cluster.yaml")) || validate.errors).toBe(true);
    expect(validate(await read(fixtures, "good", "cluster.yaml")) || validate.errors).toBe(true);
  });

  it.each([
    "wrong-type",
    "wrong-value",
    "unknown-key",
    "missing-key",
    "name",
    "package",
    "overlay",
    "role",
    "window",
    "waypoint",
  ])("refuses in the editor what the loader refuses: %s", async (name) => {
    const validate = await validator("cluster.schema.json");
    expect(validate(await read(fixtures, `${name}.yaml`))).toBe(false);
  });

  it("describes every key for editors", async () => {
    const undescribed = (at: unknown, path: string): string[] => {
      if (typeof at !== "object" || at === null) return [];
      const properties = "properties" in at ? Object.entries(at.properties as object) : [];
      return [
        ...properties
          .filter(([, value]) => typeof value.description !== "string")
          .map(([key]) => `${path}.${key}`),
        ...properties.flatMap(([key, value]) => undescribed(value, `${path}.${key}`)),
        ...("additionalProperties" in at ? undescribed(at.additionalProperties, `${path}.*`) : []),
      ];
    };
    for (const [name, text] of Object.entries(jsonSchemas()))
      expect(undescribed(JSON.parse(text), name)).toEqual([]);
  });

  it("takes every identity that is printed", async () => {
    const validate = await validator("identity.schema.json");
    const { definition } = await loadDefinition(join(fixtures, "good"));
    const texts = [
      renderIdentityExample(),
      ...Object.keys(definition.nodes).map((node) => renderIdentity(definition, node)),
    ];
    for (const text of texts) expect(validate(parse(text)) || validate.errors).toBe(true);
    expect(validate({ version: 2, hostname: "pi-1", ssh: [] })).toBe(false);
  });
});
