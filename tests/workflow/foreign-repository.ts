import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { realWorld } from "../../lib/external/world.ts";
import { type ActResult, runAct } from "../../workbench/act.ts";
import { actBinary } from "../../workbench/act-binary.ts";
import { commitFiles, git } from "../contract/actions/repository.ts";
import type { Scenario } from "./scenario.ts";

const root = join(import.meta.dirname, "..", "..");
const world = realWorld(new AbortController().signal);
const OURS = "somebody/home-pi-cluster";

/** The packages are the example's agent's: a base with them is in the cache. */
const DEFINITION = `cluster: elsewhere
base: { suite: trixie }
profiles:
  node: { abstract: true, board: rpi-arm64 }
  kiosk: { extends: node, role: agent, packages: [ethtool, htop], ansible: { roles: [./roles/kiosk] } }
nodes: {}
`;

export const KIOSK_TASKS = "roles/kiosk/tasks/main.yml";

/** A role that leaves one file. */
export const kioskTasks = (file: string): string => `- name: Say what this is
  ansible.builtin.copy:
    content: "kiosk\\n"
    dest: ${file}
    mode: "0644"
`;

/** What a README of ours tells people to write, for pushes and pull requests. */
const WORKFLOW = `on: [push, pull_request]
permissions: {}
jobs:
  compile:
    runs-on: ubuntu-24.04
    permissions: { contents: read }
    outputs:
      any: \${{ steps.compile.outputs.any }}
      matrix: \${{ steps.compile.outputs.matrix }}
      since: \${{ steps.compile.outputs.since }}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: { persist-credentials: false, fetch-depth: 2 }
      - id: compile
        uses: ${OURS}/actions/compile-profiles@v1
        with:
          definition: pis/cluster.yaml
          affected-since: \${{ github.event_name == 'pull_request' && 'HEAD^1' || '' }}
  image:
    needs: compile
    if: needs.compile.outputs.any == 'true'
    runs-on: ubuntu-24.04
    permissions: { contents: read }
    strategy:
      matrix: \${{ fromJSON(needs.compile.outputs.matrix) }}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with: { persist-credentials: false }
      - id: build
        uses: ${OURS}/actions/build-image@v1
        with:
          id: \${{ matrix.id }}
          definition: pis/cluster.yaml
          cache: \${{ github.event_name == 'push' && 'read-write' || 'read' }}
          cache-dir: \${{ vars.PI_CACHE }}
          compare-with: \${{ needs.compile.outputs.since }}
`;

/** Somebody's repository: a definition, a role of its own, a workflow, and nothing of this project. */
export async function foreignRepository(ours: Scenario): Promise<string> {
  const repository = join(dirname(ours.repository), "foreign");
  await mkdir(repository);
  await git(repository, "init", "-q");
  await commitFiles(repository, {
    ".github/workflows/pis.yml": WORKFLOW,
    "pis/cluster.yaml": DEFINITION,
    [`pis/${KIOSK_TASKS}`]: kioskTasks("/etc/kiosk"),
  });
  return repository;
}

export interface ForeignRun {
  readonly event: "push" | "pull_request";
  readonly job?: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs its workflow; `ours` stands for this project at v1, as GitHub would unpack it. */
export async function runForeign(repository: string, ours: Scenario, run: ForeignRun): Promise<ActResult> {
  return runAct(
    {
      binary: await actBinary(join(root, "node_modules", ".cache"), world),
      repository,
      workflow: ".github/workflows/pis.yml",
      payload: run.event === "push" ? { ref: "refs/heads/main" } : { pull_request: { number: 1 } },
      actions: { [`${OURS}@v1`]: ours.repository },
      scratch: dirname(repository),
      timeoutMs: 8 * 60_000,
      ...run,
    },
    world,
  );
}
