import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { BuildState } from "../lib/cluster/build-state.ts";
import type { Build, Plan } from "../lib/cluster/plan.ts";
import type { BuilderName } from "../lib/image/provision/provisioner.ts";
import type { CliContext } from "./context.ts";

export interface PlannedBuild {
  readonly build: Build;
  readonly state: BuildState;
}

export interface PlanReport {
  readonly plan: Plan;
  readonly builder: BuilderName;
  readonly builds: readonly PlannedBuild[];
}

interface PlanOptions {
  readonly file?: string;
  readonly json?: true;
  readonly builder?: string;
}

const SHOWN_ID_DIGITS = 12;

/** Loads the definition, compiles it and compares it with the cache. Throws DefinitionError. */
export async function makePlan(
  context: Pick<CliContext, "project" | "cacheDir">,
  file?: string,
  builder: BuilderName = "chroot",
): Promise<PlanReport> {
  // Loaded here and not at the top, so that the other commands start without zod and yaml.
  const [{ loadDefinition }, { compile, shapeBuilds }, { gatherSources }, records, { buildState }] =
    await Promise.all([
      import("../lib/cluster/load.ts"),
      import("../lib/cluster/compile.ts"),
      import("../lib/cluster/sources.ts"),
      import("../lib/cluster/records.ts"),
      import("../lib/cluster/build-state.ts"),
    ]);
  const { project, cacheDir } = context;
  const loaded = await loadDefinition(project, file === undefined ? undefined : resolve(file));
  const shapes = shapeBuilds(loaded.definition);
  const packages = await records.resolvedPackages(cacheDir, loaded.definition.base, shapes);
  const plan = compile(loaded.definition, await gatherSources(project, loaded, packages));
  const keys = plan.builds.map(({ id }) => id);
  const last = await records.lastBuilds(cacheDir, plan.cluster, keys);
  const builds = plan.builds.map(async (build) => ({
    build,
    state: buildState(build, last[build.id], await records.isCached(cacheDir, build.buildId)),
  }));
  return { plan, builder, builds: await Promise.all(builds) };
}

/** The table people read: profile, board, builder, build id, state. */
export async function renderPlan(report: PlanReport): Promise<string> {
  const [{ plainTable }, { describeState, isResolved }] = await Promise.all([
    import("./table.ts"),
    import("../lib/cluster/build-state.ts"),
  ]);
  const rows = report.builds.map(({ build, state }) => {
    const mark = isResolved(build) ? "" : "*";
    const id = build.buildId.slice(0, SHOWN_ID_DIGITS) + mark;
    return [build.profile, build.board, report.builder, id, describeState(state)];
  });
  const provisional = report.builds.some(({ build }) => !isResolved(build));
  const note = provisional
    ? "\n* provisional: ./pi build asks the archive for the package versions first\n"
    : "";
  const table = await plainTable(["profile", "board", "builder", "build id", "state"], rows);
  return `${table}${note}`;
}

/** The machine form: the plan, each build with its builder and state. */
export async function planJson({ plan, builder, builds }: PlanReport): Promise<string> {
  const { isResolved } = await import("../lib/cluster/build-state.ts");
  const rows = builds.map(({ build, state }) => ({
    ...build,
    builder,
    resolved: isResolved(build),
    ...state,
  }));
  return `${JSON.stringify({ version: 1, cluster: plan.cluster, builds: rows }, null, 2)}\n`;
}

export function register(program: Command, context: CliContext): void {
  program
    .command("plan")
    .description("show what is to be built, what is cached and what changed")
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .option("--json", "print the machine form")
    .addOption(
      new Option("--builder <name>", "what is to build").choices(["chroot", "packer"]).default("chroot"),
    )
    .action(async (options: PlanOptions) => {
      const builder = options.builder === "packer" ? "packer" : "chroot";
      const report = await makePlan(context, options.file, builder);
      context.print(options.json === true ? await planJson(report) : await renderPlan(report));
    });
}
