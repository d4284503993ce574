import type { Build } from "../../cluster/plan.ts";
import type { World } from "../../external/world.ts";
import type { Step } from "../../progress/reporter.ts";
import type { ToolsTree } from "../tools/tree.ts";

export type BuilderName = "chroot" | "packer";

export interface ProvisionRequest {
  readonly build: Build;
  /** The base: an uncompressed tar of a root file system, owners numeric, with xattrs. */
  readonly base: { readonly path: string; readonly sha256: string };
  /** Folder that holds site.yml, roles/ and what else the playbook reads. */
  readonly ansible: string;
  /** Folder of cluster.yaml: a user's own roles are relative to it. */
  readonly project: string;
  /** Folder with the public keys that nodes get, absolute. */
  readonly keys: string;
  /** Folder with Node for arm64; undefined: nodes get no updater. */
  readonly node?: string;
  /** JSON file with the resolved profile, given to Ansible as `--extra-vars @FILE`. */
  readonly varsFile: string;
  /** Where the tar of the finished tree goes (written whole or not at all). */
  readonly tree: string;
  /** Scratch folder, empty, removed by the caller. */
  readonly work: string;
  /** Run Ansible's modules with the tools tree's Python, bound into the tree. */
  readonly nativePython: boolean;
  /** Seconds since 1970: newest time any file in the tree may carry. */
  readonly epoch: number;
}

/** Turns a base into a node's tree with the playbook. Both builders give the same tar, byte for byte. */
export interface Provisioner {
  readonly name: BuilderName;
  provision(request: ProvisionRequest, tools: ToolsTree, world: World, step: Step): Promise<void>;
}
