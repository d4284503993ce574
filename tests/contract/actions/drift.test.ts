import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import * as bootImage from "../../../actions/boot-image/interface.ts";
import * as buildImage from "../../../actions/build-image/interface.ts";
import * as compileProfiles from "../../../actions/compile-profiles/interface.ts";
import * as publishManifest from "../../../actions/publish-manifest/interface.ts";
import * as publishRelease from "../../../actions/publish-release/interface.ts";
import * as setupBuilder from "../../../actions/setup-builder/interface.ts";
import { actionNames } from "../../../scripts/build-actions.ts";
import { root } from "./run-action.ts";

const interfaces = {
  "boot-image": bootImage,
  "build-image": buildImage,
  "compile-profiles": compileProfiles,
  "publish-manifest": publishManifest,
  "publish-release": publishRelease,
  "setup-builder": setupBuilder,
} as const;

interface Input {
  readonly description: string;
  readonly required: boolean;
  readonly default: string;
}

const metadataSchema = z.object({
  name: z.string(),
  description: z.string(),
  branding: z.object({ icon: z.string(), color: z.string() }),
  inputs: z.record(
    z.string(),
    z.object({ description: z.string(), required: z.boolean(), default: z.string().default("") }),
  ),
  outputs: z.record(z.string(), z.object({ description: z.string() })),
  runs: z.strictObject({
    using: z.literal("node24"),
    main: z.literal("dist/index.js"),
    post: z.literal("dist/index.js").optional(),
  }),
});

const propertiesSchema = z.object({
  properties: z.record(
    z.string(),
    z.object({ description: z.string(), default: z.union([z.string(), z.number(), z.boolean()]).optional() }),
  ),
  required: z.array(z.string()).default([]),
});

/** What the zod schema says about each input, in the terms of action.yml. */
function inputsOf(schema: z.ZodType): Record<string, Input> {
  const { properties, required } = propertiesSchema.parse(z.toJSONSchema(schema, { io: "input" }));
  const inputs = Object.entries(properties).map(([name, property]) => [
    name,
    {
      description: property.description,
      required: required.includes(name),
      default: property.default === undefined ? "" : String(property.default),
    },
  ]);
  return Object.fromEntries(inputs) as Record<string, Input>;
}

/** Rows of the table below a heading of the README, cells trimmed, names without their quotes. */
function tableBelow(readme: string, heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const unquote = (cell = ""): string => cell.replaceAll(/^`|`$/g, "");

test("every action is compared", async () => {
  expect(await actionNames()).toEqual(Object.keys(interfaces));
});

describe.each(Object.entries(interfaces))("%s", (name, { inputs, outputs }) => {
  const read = (file: string): Promise<string> => readFile(join(root, "actions", name, file), "utf8");

  test("action.yml declares the inputs and outputs the code knows", async () => {
    const metadata = metadataSchema.parse(parse(await read("action.yml")));
    expect(metadata.inputs).toEqual(inputsOf(inputs));
    const described = Object.entries(outputs).map(([output, description]) => [output, { description }]);
    expect(metadata.outputs).toEqual(Object.fromEntries(described));
  });

  test("the README's tables say the same", async () => {
    const readme = await read("README.md");
    const documented = tableBelow(readme, "Inputs").map(([input, preset, description]) => [
      unquote(input),
      unquote(preset),
      description,
    ]);
    const declared = Object.entries(inputsOf(inputs)).map(([input, of]) => [
      input,
      of.required ? "required" : of.default,
      of.description,
    ]);
    expect(documented).toEqual(declared);
    expect(tableBelow(readme, "Outputs").map(([output, text]) => [unquote(output), text])).toEqual(
      Object.entries(outputs),
    );
  });

  test.each(["Usage", "Permissions", "Inputs", "Outputs", "Limits"])("the README has %s", async (heading) => {
    expect(await read("README.md")).toContain(`\n## ${heading}\n`);
  });
});

const stepsSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      steps: z
        .array(
          z.object({
            id: z.string().optional(),
            uses: z.string().optional(),
            with: z.record(z.string(), z.unknown()).default({}),
          }),
        )
        .default([]),
    }),
  ),
});

/** Examples are workflows, jobs or steps. */
function asWorkflow(example: string): string {
  if (example.startsWith("jobs:")) return example;
  const inside = (head: string, text: string): string => `${head}\n${text.replaceAll(/^/gm, "  ")}`;
  return inside("jobs:", example.startsWith("- ") ? inside("example:\n  steps:", example) : example);
}

/** Which of our inputs and outputs a workflow names though there is no such one, as `action: name`. */
function unknownNames(text: string): string[] {
  const jobs = Object.values(stepsSchema.parse(parse(text)).jobs);
  return jobs.flatMap(({ steps }) =>
    steps.flatMap(({ id, uses = "", with: given }) => {
      const name = /(?:^\.|\/home-pi-cluster)\/actions\/([\w-]+)/.exec(uses)?.[1];
      if (name === undefined) return [];
      const known = interfaces[name as keyof typeof interfaces];
      if (known === undefined) return [`${name}: no such action`];
      const inputs = Object.keys(given).filter((key) => !Object.hasOwn(known.inputs.shape, key));
      const read = [...text.matchAll(new RegExp(`steps\\.${id}\\.outputs\\.([\\w-]+)`, "g"))];
      const outputs = read.map(([, key = ""]) => key).filter((key) => !Object.hasOwn(known.outputs, key));
      return [...inputs, ...(id === undefined ? [] : outputs)].map((key) => `${name}: ${key}`);
    }),
  );
}

describe("who uses the actions names inputs and outputs they have", async () => {
  const folder = join(root, ".github", "workflows");
  const workflows = (await readdir(folder)).map((name) => join(folder, name));
  test.each(workflows)("%s", async (path) => {
    expect(unknownNames(await readFile(path, "utf8"))).toEqual([]);
  });

  test.each(Object.keys(interfaces))("the example in the README of %s", async (name) => {
    const readme = await readFile(join(root, "actions", name, "README.md"), "utf8");
    const examples = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = ""]) => text);
    expect(examples).not.toEqual([]);
    for (const example of examples) expect(unknownNames(asWorkflow(example))).toEqual([]);
  });

  test("what they do not have is found", () => {
    const output = `\${{ steps.a.outputs.file }}`;
    const step = `{ id: a, uses: ./actions/build-image, with: { ids: x }, env: { B: "${output}" } }`;
    expect(unknownNames(`jobs: { j: { steps: [${step}] } }`)).toEqual([
      "build-image: ids",
      "build-image: file",
    ]);
  });
});
