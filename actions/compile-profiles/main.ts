import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { compile } from "../../lib/cluster/compile.ts";
import { DefinitionError } from "../../lib/cluster/failure.ts";
import { loadDefinition } from "../../lib/cluster/load.ts";
import type { Plan } from "../../lib/cluster/plan.ts";
import { gatherSources } from "../../lib/cluster/sources.ts";
import { writeAtomically } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { markdownTable } from "../../lib/progress/markdown.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { parseVersion } from "../../lib/release/version.ts";
import { ActionError } from "../runner/failure.ts";
import type { GithubContext } from "../runner/github.ts";
import { addSummary, writeOutputs } from "../runner/outputs.ts";
import { problemTable } from "../runner/problems.ts";
import { checkoutRoot, withEarlier } from "./earlier.ts";
import { type Inputs, outputs } from "./interface.ts";
import { matrixOf, type Selection, selectAffected, selectAll, selectProfiles } from "./select.ts";
import { compareWithPublished } from "./version.ts";

export interface Surroundings {
  /** Root of this repository: boards/, ansible/ and what else shapes an image. */
  readonly project: string;
  readonly workspace: string;
  /** Folder for files of this job. */
  readonly temporary: string;
  /** Undefined where we are in no workflow. */
  readonly context: GithubContext | undefined;
}

/** Compiles the definition, selects builds, and tells the workflow. Throws DefinitionError, ActionError, ReleaseError. */
export async function run(
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<void> {
  refuseContradictions(inputs);
  const definition = resolve(around.workspace, inputs.definition);
  const plan = await compileShowing(definition, around);
  const { selections, since } = await select(inputs, definition, plan, around, world, reporter);
  await compareWithPublished(inputs, around.context, world, reporter);
  const matrix = matrixOf(selections);
  const planFile = join(around.temporary, "home-pi-plan.json");
  await writeAtomically(planFile, `${JSON.stringify(plan, undefined, 2)}\n`);
  writeOutputs(outputs, {
    matrix: JSON.stringify(matrix),
    any: String(matrix.include.length > 0),
    since: since ?? "",
    plan: planFile,
  });
  for (const { build, why } of selections) reporter.info(`${build.id}: ${why === "" ? "unchanged" : why}`);
  await addSummary(summaryOf(plan, selections));
}

function refuseContradictions(inputs: Inputs): void {
  if (inputs.version !== undefined) {
    parseVersion(inputs.version);
    if ((inputs.profiles ?? inputs["affected-since"]) !== undefined) {
      throw new ActionError(
        "INPUT",
        "input `version` is for all profiles: a release has every image or none",
        {
          fix: "leave `profiles` and `affected-since` out, or build a preview without `version`",
        },
      );
    }
  }
  if (inputs["affected-since"] === undefined || inputs.profiles === undefined) return;
  throw new ActionError("INPUT", "inputs `affected-since` and `profiles` contradict each other", {
    fix: "leave one of them out: the first finds the builds itself, the second names them",
  });
}

/**
 * Package lists stay unresolved, here as in the state compared with: what the archive did meanwhile is not
 * the change's doing, and nothing has to be asked for.
 */
async function compileFile(definition: string, project: string): Promise<Plan> {
  const loaded = await loadDefinition(project, definition);
  return compile(loaded.definition, await gatherSources(project, loaded, () => undefined));
}

async function compileShowing(definition: string, around: Surroundings): Promise<Plan> {
  try {
    return await compileFile(definition, around.project);
  } catch (error) {
    if (error instanceof DefinitionError) await addSummary(problemTable(error.problems, around));
    throw error;
  }
}

interface Selected {
  readonly selections: readonly Selection[];
  /** The commit that was compared with. */
  readonly since?: string | undefined;
}

async function select(
  inputs: Inputs,
  definition: string,
  plan: Plan,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<Selected> {
  if (inputs.profiles !== undefined) return { selections: selectProfiles(plan, inputs.profiles) };
  const since = inputs["affected-since"];
  if (since === undefined) return { selections: selectAll(plan) };
  const request = {
    since: since.startsWith(".") ? resolve(around.workspace, since) : since,
    definition,
    scratch: around.temporary,
  };
  return withEarlier(request, world, async (earlier) => {
    const own = (await checkoutRoot(around.workspace, world)) === (await realpath(around.project));
    // In a repository of its own, playbook and boards change with the commit; from elsewhere they do not.
    const project = own ? earlier.root : around.project;
    const before = await compileFile(earlier.definition, project).catch((error: unknown) => {
      if (!(error instanceof DefinitionError)) throw error;
      const [problem = error.message] = error.problems.map(({ message }) => message);
      reporter.warn(
        `the definition of ${since} does not compile (${problem}), so every build counts as affected`,
      );
      return undefined;
    });
    return { selections: selectAffected(plan, before), since: earlier.commit };
  });
}

const SHOWN_ID_DIGITS = 12;

/** The cache knows builds by their final ids. Those hold the packages' versions, which only a build asks for. */
const CACHED_LATER =
  "Whether one is taken from the cache is known once its packages' versions are: its own job says so.";

function summaryOf(plan: Plan, selections: readonly Selection[]): string {
  const chosen = selections.filter(({ why }) => why !== "").length;
  const rows = selections.map(({ build, why }) => [
    build.profile,
    build.board,
    build.buildId.slice(0, SHOWN_ID_DIGITS),
    why === "" ? "no" : "yes",
    why === "" ? "unchanged" : why,
  ]);
  const head = ["profile", "board", "build id (before packages)", "build", "why"];
  const title = `### Cluster ${plan.cluster}: ${chosen} of ${plan.builds.length} images to build`;
  return `${title}\n\n${markdownTable(head, rows)}${chosen === 0 ? "" : `\n${CACHED_LATER}\n`}`;
}
