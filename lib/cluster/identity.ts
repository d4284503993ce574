import { stringify } from "yaml";
import { z } from "zod";
import { explainIssue } from "./explain-issue.ts";
import { DefinitionError, throwProblems } from "./failure.ts";
import { suggest } from "./nearest.ts";
import { type Definition, nodeName, sshKeys, updateAddress } from "./schema.ts";
import { readYaml } from "./yaml-file.ts";

/** identity.yaml on a node's boot partition: who this node is. It holds no secret. */
export const identitySchema = z
  .strictObject({
    version: z.literal(1).meta({ description: "Form of this file" }),
    hostname: nodeName,
    ssh: sshKeys,
    update: z
      .strictObject({ address: updateAddress })
      .optional()
      .meta({ description: "Where this node looks for releases, instead of where the image says" }),
  })
  .meta({ title: "Identity of a node", description: "identity.yaml on the boot partition of a node's card" });

export type Identity = z.output<typeof identitySchema>;

const HEAD = `# Who this node is. Copy this file as identity.yaml to the first partition of the card
# (the small FAT one that Windows and macOS show) before the node starts for the first time.
# Whoever holds the private half of a key below may log in by ssh; without a key nobody can.
`;

function render(identity: Identity): string {
  return HEAD + stringify(identity, { lineWidth: 0 });
}

/**
 * identity.yaml for one node of the definition. `file` is the definition's name in messages.
 * Throws DefinitionError UNKNOWN_NODE.
 */
export function renderIdentity(definition: Definition, node: string, file = "cluster.yaml"): string {
  const found = Object.hasOwn(definition.nodes, node) ? definition.nodes[node] : undefined;
  if (found !== undefined) return render({ version: 1, hostname: node, ssh: found.ssh });
  const fix = suggest(node, "nodes", Object.keys(definition.nodes));
  const message = `unknown node "${node}"`;
  throw new DefinitionError({ code: "UNKNOWN_NODE", message, value: node, place: { file }, fix });
}

/** The example that lies on the card beside the place of the real file: a name, no key. */
export function renderIdentityExample(): string {
  const example = "# for example:\n# ssh:\n#   - ssh-ed25519 AAAA... me@laptop\n";
  return render({ version: 1, hostname: "my-pi", ssh: [] }) + example;
}

/** Reads identity.yaml as people edit it, on Windows too. Throws DefinitionError with every problem. */
export function parseIdentity(text: string, file = "identity.yaml"): Identity {
  const yaml = readYaml(text, file);
  throwProblems(yaml.problems);
  const parsed = identitySchema.safeParse(yaml.value);
  throwProblems((parsed.error?.issues ?? []).flatMap((issue) => explainIssue(yaml, identitySchema, issue)));
  if (parsed.data === undefined) throw new Error(`${file} has no identity and no problem`);
  return parsed.data;
}
