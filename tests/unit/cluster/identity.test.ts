import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DefinitionError, formatProblem } from "../../../lib/cluster/failure.ts";
import { parseIdentity, renderIdentity, renderIdentityExample } from "../../../lib/cluster/identity.ts";
import { loadDefinition } from "../../../lib/cluster/load.ts";
import { fixtures } from "./definition-cases.ts";
import { definitionOf } from "./definitions.ts";

const { definition } = await loadDefinition(join(fixtures, "good"));
const key = definition.nodes["pi-1"]?.ssh[0] ?? "";

function problems(text: string): string[] {
  try {
    parseIdentity(text);
    return [];
  } catch (error) {
    if (error instanceof DefinitionError) return error.problems.map(formatProblem);
    throw error;
  }
}

describe("identity.yaml", () => {
  it("holds the node's name and keys, and says where it goes", () => {
    const text = renderIdentity(definition, "pi-1");
    expect(text).toMatch(/^# .*first partition of the card\n/);
    expect(text).toContain("identity.yaml");
    expect(parseIdentity(text)).toEqual({ version: 1, hostname: "pi-1", ssh: [key] });
    expect(text.split("\n").slice(-5)).toEqual(["version: 1", "hostname: pi-1", "ssh:", `  - ${key}`, ""]);
  });

  it("is read as Windows editors save it", () => {
    const text = renderIdentity(definition, "pi-1");
    expect(parseIdentity(`\uFEFF${text.replaceAll("\n", "\r\n")}`)).toEqual(parseIdentity(text));
  });

  it("comes back the same for every name and comment", () => {
    const names = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
    const comments = fc.stringMatching(/^[ -~]{0,80}$/);
    fc.assert(
      fc.property(names, comments, (name, comment) => {
        const line = `${key.split(" ").slice(0, 2).join(" ")} ${comment}`;
        const one = definitionOf({ profiles: {}, nodes: { [name]: { profile: "agent", ssh: [line] } } });
        expect(parseIdentity(renderIdentity(one, name))).toEqual({ version: 1, hostname: name, ssh: [line] });
      }),
    );
  });

  it("has an example without anybody's key", () => {
    expect(parseIdentity(renderIdentityExample())).toEqual({ version: 1, hostname: "my-pi", ssh: [] });
  });

  it("does not find a node by the name of something every object has", () => {
    expect(() => renderIdentity(definition, "constructor")).toThrow(DefinitionError);
  });

  it("is refused with all its problems", () => {
    expect(problems("version: 2\nhostname: My Pi\nssh: me@laptop\nwifi: {}\n")).toEqual([
      `identity.yaml:1:10: 2 is not allowed in version (values: 1)`,
      `identity.yaml:2:11: "My Pi" is not a DNS label in hostname (use a to z, 0 to 9 and - inside, at most 63: "my-pi")`,
      `identity.yaml:3:6: "me@laptop" instead of a list in ssh (write a list: [one, two])`,
      `identity.yaml:4:1: unknown key "wifi" in the file (keys here: version, hostname, ssh, update)`,
    ]);
    expect(problems("hostname: [\n")).toHaveLength(1);
    expect(problems("")).toHaveLength(1);
  });
});
