import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../../lib/cluster/canonical-json.ts";
import { checkDefinition } from "../../../lib/cluster/check.ts";
import { compile, explainChange, type Sources, UNRESOLVED } from "../../../lib/cluster/compile.ts";
import { loadDefinition } from "../../../lib/cluster/load.ts";
import type { Definition } from "../../../lib/cluster/schema.ts";
import { readYaml } from "../../../lib/cluster/yaml-file.ts";
import { fixtures } from "./definition-cases.ts";
import { definitionOf, profilesArbitrary, reversed } from "./definitions.ts";

const sources: Sources = {
  digests: { playbook: "p1", tools: "t1", assembly: "a1", keys: "k1" },
  boards: { "rpi-arm64": "b1", virt: "b2" },
  roles: { "./one": "r1", "./two": "r2", "./three": "r3", "./my-role": "r4" },
  packages: () => "list1",
};

/** Build ids by build, sorted: what must or must not change. */
function ids(definition: Definition, from: Sources = sources): Record<string, string> {
  return Object.fromEntries(compile(definition, from).builds.map(({ id, buildId }) => [id, buildId]));
}

function parse(text: string): Definition {
  const checked = checkDefinition(readYaml(text, "cluster.yaml"), {
    boards: ["rpi-arm64"],
    missingRoles: new Set(),
  });
  expect(checked.problems).toEqual([]);
  if (checked.definition === undefined) throw new Error("no definition");
  return checked.definition;
}

const text = `cluster: home
profiles:
  node: { abstract: true, board: rpi-arm64, packages: [htop] }
  server: { extends: node, role: server, packages: [jq] }
  agent: { extends: node, role: agent, ansible: { roles: [./my-role], vars: { a: 1, b: [1, 2] } } }
nodes:
  pi-1: { profile: server }
`;

describe("compile", () => {
  it("makes one build per profile that is not abstract, resolved, in the order of the file", async () => {
    const { definition } = await loadDefinition(join(fixtures, "good"));
    const plan = compile(definition, sources);
    expect(plan.cluster).toBe("home");
    expect(plan.builds.map(({ id }) => id)).toEqual([
      "server-rpi-arm64",
      "agent-rpi-arm64",
      "plain-rpi-arm64",
    ]);
    expect(plan.builds[0]).toMatchObject({
      profile: "server",
      role: "server",
      packages: ["curl", "htop", "jq"],
      boot: { overlays: ["first"], watchdog: false },
      ansible: { vars: { a: { x: 1, y: 2 }, b: "parent" }, roles: ["./my-role"] },
    });
    expect(plan.builds[2]).toMatchObject({
      role: null,
      packages: ["curl", "htop"],
      boot: { watchdog: true },
    });
    expect(plan.builds[1]?.inputs).toEqual({
      definition: expect.stringMatching(/^[0-9a-f]{64}$/),
      playbook: "p1",
      tools: "t1",
      assembly: "a1",
      keys: "k1",
      board: "b1",
      "role ./my-role": "r4",
      packages: "list1",
    });
    for (const { buildId } of plan.builds) expect(buildId).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["a comment", text.replace("cluster: home", "# mine\ncluster: home # ours")],
    [
      "the nodes",
      text.replace("pi-1: { profile: server }", "pi-2: { profile: agent }\n  pi-3: { profile: agent }"),
    ],
    ["no nodes", text.replace(/nodes:.*/s, "")],
    ["defaults written out", `${text}update: { channel: stable, mode: auto }\nbase: { suite: trixie }\n`],
    ["the waypoints", `${text}update: { waypoints: ["1.4.0"] }\n`],
    ["anchors", text.replace("[htop]", "&p [htop]").replace("[jq]", "[jq, htop]")],
    ["the name of a parent", text.replaceAll("node,", "common,").replace("  node:", "  common:")],
    ["key order within variables", text.replace("{ a: 1, b: [1, 2] }", "{ b: [1, 2], a: 1 }")],
  ])("gives the same build ids whatever %s", (_, other) => {
    expect(other).not.toBe(text);
    expect(ids(parse(other))).toEqual(ids(parse(text)));
  });

  const both = ["agent-rpi-arm64", "server-rpi-arm64"];
  it.each([
    ["the cluster's name", text.replace("home", "lab"), both],
    ["the channel", `${text}update: { channel: beta }\n`, both],
    ["the window", `${text}update: { window: "02:00-05:00 UTC" }\n`, both],
    ["a snapshot", `${text}base: { snapshot: 20261115T000000Z }\n`, both],
    ["a common package", text.replace("[htop]", "[htop, curl]"), both],
    ["the server's package", text.replace("[jq]", "[jq, curl]"), ["server-rpi-arm64"]],
    ["the agent's variable", text.replace("a: 1", "a: 2"), ["agent-rpi-arm64"]],
    ["a list's order in a variable", text.replace("[1, 2]", "[2, 1]"), ["agent-rpi-arm64"]],
    ["the agent's roles", text.replace("[./my-role]", "[]"), ["agent-rpi-arm64"]],
    [
      "an overlay",
      text.replace("role: server", "boot: { overlays: [x] }, role: server"),
      ["server-rpi-arm64"],
    ],
    [
      "the watchdog",
      text.replace("role: server", "boot: { watchdog: false }, role: server"),
      ["server-rpi-arm64"],
    ],
  ])("changes just the builds that %s shapes", (_, other, changed) => {
    const before = ids(parse(text));
    const after = ids(parse(other));
    expect(
      Object.keys(before)
        .filter((id) => before[id] !== after[id])
        .sort(),
    ).toEqual(changed);
  });

  it.each(["playbook", "tools", "assembly", "keys"])("changes every build with the input %s", (name) => {
    const other = { ...sources, digests: { ...sources.digests, [name]: "other" } };
    const before = compile(parse(text), sources).builds;
    const after = compile(parse(text), other).builds;
    for (const [index, build] of after.entries()) {
      expect(build.buildId).not.toBe(before[index]?.buildId);
      expect(explainChange(before[index]?.inputs ?? {}, build.inputs)).toEqual([name]);
    }
  });

  it("changes a build with its own role, board and resolved packages only", () => {
    const before = ids(parse(text));
    const role = ids(parse(text), { ...sources, roles: { ...sources.roles, "./my-role": "other" } });
    expect(role["agent-rpi-arm64"]).not.toBe(before["agent-rpi-arm64"]);
    expect(role["server-rpi-arm64"]).toBe(before["server-rpi-arm64"]);
    const board = ids(parse(text), { ...sources, boards: { ...sources.boards, virt: "other" } });
    expect(board).toEqual(before);
    const packages = ids(parse(text), {
      ...sources,
      packages: ({ id }) => (id.startsWith("agent") ? "other" : "list1"),
    });
    expect(packages["agent-rpi-arm64"]).not.toBe(before["agent-rpi-arm64"]);
    expect(packages["server-rpi-arm64"]).toBe(before["server-rpi-arm64"]);
  });

  it("says so where nobody has resolved the packages", () => {
    const plan = compile(parse(text), { ...sources, packages: () => undefined });
    expect(plan.builds.map(({ inputs }) => inputs.packages)).toEqual([UNRESOLVED, UNRESOLVED]);
  });

  it("gives ids that depend on no order of keys and on no node", () => {
    fc.assert(
      fc.property(profilesArbitrary, fc.array(fc.nat(99)), (profiles, numbers) => {
        const nodes = Object.fromEntries(
          numbers.map((n) => [`pi-${n}`, { profile: Object.keys(profiles).at(-1) }]),
        );
        const plain = definitionOf({ profiles });
        const other = definitionOf({ nodes, profiles: reversed(profiles) });
        expect(ids(other)).toEqual(ids(plain));
      }),
    );
  });

  it("gives another id to every profile that inherits a new package, and to no other", () => {
    fc.assert(
      fc.property(profilesArbitrary, fc.nat(), (profiles, at) => {
        const names = Object.keys(profiles);
        const changed = names[at % names.length] ?? "";
        const other = {
          ...profiles,
          [changed]: { ...profiles[changed], packages: [...(profiles[changed]?.packages ?? []), "new-one"] },
        };
        const before = ids(definitionOf({ profiles }));
        const after = ids(definitionOf({ profiles: other }));
        const inherits = (name: string | undefined): boolean =>
          name !== undefined && (name === changed || inherits(profiles[name]?.extends));
        for (const id of Object.keys(before)) {
          expect(before[id] !== after[id]).toBe(inherits(id.split("-")[0]));
        }
      }),
    );
  });
});

describe("canonicalJson", () => {
  it("is valid JSON of the same value, and the same text for every order of keys", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
        expect(canonicalJson(reversed(plain) as never)).toBe(canonicalJson(plain));
      }),
    );
  });
});

describe("explainChange", () => {
  it("names what differs, what came and what went", () => {
    const inputs = { definition: "1", playbook: "2", packages: "3" };
    expect(explainChange(inputs, inputs)).toEqual([]);
    expect(explainChange(inputs, { ...inputs, packages: "4", playbook: "5" })).toEqual([
      "playbook",
      "packages",
    ]);
    expect(explainChange({ ...inputs, "role ./a": "1" }, { ...inputs, "role ./b": "1" })).toEqual([
      "role ./b",
      "role ./a",
    ]);
  });
});
