import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { type Command, Option } from "commander";
import { type MachineName, machineNames } from "../lib/emulator/machine.ts";
import { giveFolderBack } from "./caller.ts";
import type { CliContext } from "./context.ts";
import { plainTable } from "./table.ts";

interface WorkflowFlags {
  readonly tag?: string;
  readonly input: readonly string[];
  readonly base?: string;
  readonly builder: "chroot" | "packer";
  readonly machine: MachineName;
  readonly asRunner?: boolean;
}

async function workflow(context: CliContext, name: string, flags: WorkflowFlags): Promise<void> {
  const [{ inputsFrom, orderOf }, { runLocally }, outcome] = await Promise.all([
    import("../workbench/local/order.ts"),
    import("../workbench/local/run.ts"),
    import("../workbench/local/outcome.ts"),
  ]);
  const { project, cacheDir, world, reporter, print } = context;
  const order = orderOf({ workflow: name, tag: flags.tag, inputs: inputsFrom(flags.input) });
  const folder = join(project, "out", "workflow");
  const done = await runLocally(
    {
      ...{ order, folder, cacheDir, checkout: project, builder: flags.builder, machine: flags.machine },
      ...(flags.base === undefined ? {} : { base: flags.base }),
      asRunner: flags.asRunner === true,
      packerDir: process.env.PI_PACKER_DIR,
      actDir: join(project, "node_modules", ".cache"),
      show: (text) => reporter.info(text),
      all: process.argv.includes("--verbose"),
    },
    world,
  ).finally(() => (existsSync(folder) ? giveFolderBack(folder) : undefined));
  print(`\n${await plainTable(outcome.JOB_HEAD, outcome.jobRows(done))}\n`);
  if (order.releases !== undefined)
    print(`uploaded to the release: ${outcome.uploadWords(done.uploaded)}\n\n`);
  const places = outcome.placeRows(folder, order.releases, existsSync);
  print(
    await plainTable(
      ["what", "where"],
      places.map(([what = "", path = ""]) => [what, relative(process.cwd(), path)]),
    ),
  );
  for (const problem of done.problems) reporter.warn(`GitHub would not have understood: ${problem}`);
  const failures = outcome.failureLines(done);
  for (const line of failures) reporter.error(line);
  if (failures.length > 0) process.exitCode = 1;
}

const listed = (value: string, before: readonly string[]): string[] => [...before, value];

export function register(program: Command, context: CliContext): void {
  program
    .command("workflow <name>")
    .description(
      "run a workflow of this checkout here, without GitHub: pull-request, release, rebuild, manifest",
    )
    .option("--tag <tag>", "release: the tag that was pushed, such as v1.2.3")
    .option("--input <name=value>", "rebuild, manifest: an input of its form; may be repeated", listed, [])
    .option("--base <commit>", "pull-request: what it is compared with (default: HEAD)")
    .addOption(
      new Option("--builder <name>", "who runs the playbook").choices(["chroot", "packer"]).default("chroot"),
    )
    .addOption(
      new Option("--machine <name>", "what images boot on; virt: faster, raspi3b: a Pi 3")
        .choices(machineNames)
        .default("virt"),
    )
    .option("--as-runner", "run the jobs as an unprivileged user with sudo, as on GitHub; needs root")
    .action((name: string, flags: WorkflowFlags) => workflow(context, name, flags));
}
