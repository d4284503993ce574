import type { Command } from "commander";
import type { CliContext } from "./context.ts";

/** Writes the publishers' digests into packer/pins.json where there are none. Throws PackerError, DownloadError. */
export async function pinPacker(context: CliContext): Promise<void> {
  const [{ writeAtomically }, { pinsPath, planPins, readPins }, { fetchSums }] = await Promise.all([
    import("../lib/external/files.ts"),
    import("../lib/image/provision/packer/pins.ts"),
    import("../lib/image/provision/packer/sums.ts"),
  ]);
  const { cacheDir, world } = context;
  const pins = await readPins();
  const [packer, plugin] = await Promise.all([
    fetchSums(pins.packer.sums, cacheDir, world),
    fetchSums(pins.plugin.sums, cacheDir, world),
  ]);
  const plan = planPins(pins, { packer, plugin });
  for (const { tool, arch, sha256 } of plan.changes) context.print(`${tool} ${arch}: ${sha256}\n`);
  if (plan.changes.length === 0) {
    context.print("every digest is pinned already, and is what the publishers say\n");
    return;
  }
  await writeAtomically(pinsPath, `${JSON.stringify(plan.pins, null, 2)}\n`);
  context.print("written to packer/pins.json: look at the change and commit it\n");
}

export function register(program: Command, context: CliContext): void {
  program
    .command("pin")
    .description("write down which files of others this project uses")
    .command("packer")
    .description("take the digests of Packer and its plugin from their publishers' lists")
    .action(async () => {
      const { usingCache } = await import("../lib/image/cache-use.ts");
      await usingCache(context.cacheDir, context.world, context.reporter, () => pinPacker(context));
    });
}
