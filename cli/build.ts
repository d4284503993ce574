import { chown, mkdir, readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { type Command, Option } from "commander";
import prettyBytes from "pretty-bytes";
import { exists } from "../lib/external/files.ts";
import type { BuiltImage } from "../lib/image/build/results.ts";
import type { BuilderName } from "../lib/image/provision/provisioner.ts";
import { caller } from "./caller.ts";
import type { CliContext } from "./context.ts";
import { becomeRoot } from "./root.ts";

interface BuildFlags {
  readonly file?: string;
  readonly out: string;
  readonly builder: BuilderName;
  readonly plain?: true;
}

async function makeResultsFolder(folder: string): Promise<void> {
  if (await exists(folder)) return;
  await mkdir(folder, { recursive: true });
  const to = caller();
  if (to !== undefined) await chown(folder, to.uid, to.gid);
}

/** Gives the images' files to the caller; what else lies in the folder stays whose it is. */
async function giveBack(folder: string, images: readonly BuiltImage[]): Promise<void> {
  const to = caller();
  if (to === undefined) return;
  const stems = images.map(({ image }) => basename(image, "img.zst"));
  for (const name of await readdir(folder)) {
    if (stems.some((stem) => name.startsWith(stem))) await chown(join(folder, name), to.uid, to.gid);
  }
}

function renderResults(images: readonly BuiltImage[]): string {
  const lines = images.map(({ id, info, image, reused }) => {
    const size = prettyBytes(info.disk.bytes, { binary: true });
    return `${id}  build ${info.buildId.slice(0, 12)}  ${size}${reused ? "  (unchanged)" : ""}\n  ${relative(process.cwd(), image)}\n`;
  });
  const first = images[0];
  const next = first === undefined ? "" : `\nSee one boot: ./pi boot ${first.info.profile}\n`;
  return `${lines.join("")}${next}`;
}

export function register(program: Command, context: CliContext): void {
  program
    .command("build")
    .description("build the images, from the cache where nothing changed")
    .argument("[profiles...]", "profiles to build (default: all)")
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .option("--out <folder>", "where the images go", "out")
    .addOption(
      new Option("--builder <name>", "who runs the playbook").choices(["chroot", "packer"]).default("chroot"),
    )
    .option("--plain", "nothing native inside foreign roots: slower, the same bytes")
    .action(async (profiles: string[], flags: BuildFlags) => {
      // Mistakes in the definition and a machine that cannot build are told before a password is asked for.
      const [{ loadDefinition }, { preflight }] = await Promise.all([
        import("../lib/cluster/load.ts"),
        import("../lib/image/preflight.ts"),
      ]);
      const file = flags.file === undefined ? undefined : resolve(flags.file);
      await loadDefinition(context.project, file);
      becomeRoot(context, "building images");
      await preflight({ ...context, warn: (text) => context.reporter.warn(text) });
      const [{ buildImages }, { provisionerNamed }, { OTHER_OUT }, { sayingWhatRanOut }] = await Promise.all([
        import("../lib/image/build/build.ts"),
        import("../lib/image/provision/choose.ts"),
        import("../lib/image/build/results.ts"),
        import("../lib/image/starvation.ts"),
      ]);
      const out = resolve(flags.out);
      await sayingWhatRanOut(out, OTHER_OUT, () => makeResultsFolder(out));
      const images = await buildImages(
        {
          project: context.project,
          ...(file === undefined ? {} : { file }),
          cacheDir: context.cacheDir,
          only: profiles,
          plain: flags.plain === true,
          out,
          provisioner: () =>
            provisionerNamed(flags.builder, context.cacheDir, context.world, context.reporter),
        },
        context.world,
        context.reporter,
      );
      await giveBack(out, images);
      context.print(renderResults(images));
    });
}
