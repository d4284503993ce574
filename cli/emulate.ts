import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { type MachineName, machineNames } from "../lib/emulator/machine.ts";
import type { CliContext } from "./context.ts";
import { keyEnvironment } from "./manifest-place.ts";
import { becomeRoot } from "./root.ts";

interface EmulateFlags {
  readonly machine: MachineName;
  readonly file?: string;
  readonly store?: string;
  readonly release?: string;
  readonly node?: string;
  readonly demo?: true;
  readonly record?: string;
}

async function emulate(context: CliContext, profile: string, flags: EmulateFlags): Promise<void> {
  const { cacheDir, world, reporter } = context;
  const { loadDefinition } = await import("../lib/cluster/load.ts");
  const path = flags.file === undefined ? undefined : resolve(flags.file);
  const loaded = await loadDefinition(context.project, path);
  if (flags.demo !== true) {
    const { requireReleases } = await import("./emulate-store.ts");
    await requireReleases(context, flags.store);
  }
  becomeRoot(context, "an emulated node");
  const [{ usingCache }, { ensureTools }] = await Promise.all([
    import("../lib/image/cache-use.ts"),
    import("../lib/image/tools/ensure.ts"),
  ]);
  const consoleLog = join(cacheDir, "boots", `emulate-${profile}-${flags.machine}.console.log`);
  try {
    await usingCache(cacheDir, world, reporter, async () => {
      const tools = await ensureTools(world, reporter, cacheDir);
      const seat = { ...{ profile, machine: flags.machine, loaded, tools, consoleLog } };
      if (flags.demo === true) {
        const { demonstrateOn } = await import("./emulate-demo.ts");
        await demonstrateOn(context, { ...seat, file: path, keys: keyEnvironment(), record: flags.record });
      } else {
        const { followStore } = await import("./emulate-store.ts");
        await followStore(context, {
          ...seat,
          store: flags.store,
          release: flags.release,
          nodeName: flags.node,
        });
      }
    });
  } finally {
    reporter.info(`console log: ${consoleLog}`);
  }
}

export function register(program: Command, context: CliContext): void {
  program
    .command("emulate [profile]")
    .description(
      "an emulated node that follows the store's releases; --demo: good, bad and good updates by itself",
    )
    .addOption(
      new Option("--machine <name>", "virt: faster; raspi3b: a Pi 3 with its SD card")
        .choices(machineNames)
        .default("virt"),
    )
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .addOption(new Option("--store <folder>", "the local store (default: store/)").conflicts("demo"))
    .addOption(
      new Option("--release <tag>", "what is flashed (default: the newest release)").conflicts("demo"),
    )
    .addOption(new Option("--node <name>", "whose ssh keys may log in").conflicts("demo"))
    .option("--demo", "show an update, a bad one that is undone, and the next one; ends with a verdict")
    .addOption(new Option("--record <file>", "with --demo: an asciinema recording of it"))
    .action((profile: string | undefined, flags: EmulateFlags) =>
      emulate(context, profile ?? "agent", flags),
    );
}
