import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { checkDefinition } from "../../../lib/cluster/check.ts";
import { compile } from "../../../lib/cluster/compile.ts";
import { readYaml } from "../../../lib/cluster/yaml-file.ts";
import { fixtures } from "./definition-cases.ts";

const good = await readFile(join(fixtures, "good", "cluster.yaml"), "utf8");
const digests = new Proxy(
  {},
  { get: () => "d", getOwnPropertyDescriptor: () => ({ value: "d", configurable: true }) },
);
const pieces = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ":",
    "\n",
    "\n  ",
    "&x ",
    "*x",
    "*common",
    "<<: ",
    "null",
    "- ",
    "#",
    "? ",
    "! ",
    "|\n",
    "~",
  ),
);

/** The file with a piece cut out here and another put in there. */
const damaged = fc
  .array(fc.tuple(fc.nat(good.length), fc.nat(8), pieces), { minLength: 1, maxLength: 3 })
  .map((edits) =>
    edits.reduce((text, [at, cut, piece]) => text.slice(0, at) + piece + text.slice(at + cut), good),
  );

it("answers any damage with problems that have a place and a fix, or with a plan; never with a crash", () => {
  fc.assert(
    fc.property(damaged, (text) => {
      const file = readYaml(text, "cluster.yaml");
      const { problems, definition } = checkDefinition(file, {
        boards: ["rpi-arm64"],
        missingRoles: new Set(),
      });
      expect(definition === undefined).toBe(problems.length > 0);
      const lines = text.split("\n");
      for (const { place, fix } of problems) {
        expect(fix).not.toBe("");
        expect(place.line).toBeLessThanOrEqual(lines.length);
        expect(place.column).toBeGreaterThan(0);
      }
      if (definition === undefined) return;
      const sources = { digests: {}, boards: digests, roles: digests, packages: () => undefined };
      expect(compile(definition, sources).builds.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
