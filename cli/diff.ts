import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { CliContext } from "./context.ts";
import { becomeRoot } from "./root.ts";

interface DiffFlags {
  readonly file?: string;
  readonly json?: true;
  readonly rows: number;
  readonly all?: true;
}

/** As diff(1) has it. */
const EXIT = { equal: 0, differ: 1, trouble: 2 } as const;
const SHOWN_ROWS = 50;

async function diff(
  context: CliContext,
  wanted: readonly [string, string],
  flags: DiffFlags,
): Promise<number> {
  const { cacheDir, world, reporter } = context;
  const { chooseImage } = await import("./choose-image.ts");
  const [first, second] = [
    await chooseImage(context, wanted[0], flags.file),
    await chooseImage(context, wanted[1], flags.file),
  ];
  const images = [first.image, second.image] as const;
  const [{ checkImage, diffImages }, { ensureTools }, { usingCache }] = await Promise.all([
    import("../lib/diff/diff.ts"),
    import("../lib/image/tools/ensure.ts"),
    import("../lib/image/cache-use.ts"),
  ]);
  // Mistakes of the call are told before root is asked for.
  for (const image of images) await checkImage(image);
  becomeRoot(context, "reading images");
  const options = { images, scratch: join(cacheDir, "scratch") };
  const result = await usingCache(cacheDir, world, reporter, async () => {
    const tools = await ensureTools(world, reporter, cacheDir);
    return reporter.step("compare", {}, (step) => diffImages(options, tools, world, step));
  });
  if (flags.json === true) context.print(`${JSON.stringify(result, undefined, 2)}\n`);
  else {
    const { renderDiff } = await import("./diff-tables.ts");
    context.print(await renderDiff(result, flags.all === true ? Number.POSITIVE_INFINITY : flags.rows));
  }
  return result.equal ? EXIT.equal : EXIT.differ;
}

function toRows(text: string): number {
  const rows = Number(text);
  if (Number.isInteger(rows) && rows >= 1) return rows;
  throw new InvalidArgumentError("a whole number from 1 is expected");
}

export function register(program: Command, context: CliContext): void {
  program
    .command("diff")
    .description(
      "compare two images: packages, paths, p1, boot state; exit code 1 where they differ, 2 for trouble",
    )
    .argument("<image>", "a file (.img, .img.zst), or a profile for its last image")
    .argument("<other>", "the same")
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .option("--json", "print the machine form, everything in it")
    .option("--rows <n>", "rows of a table at most", toRows, SHOWN_ROWS)
    .addOption(new Option("--all", "all rows").conflicts("json"))
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.equal : EXIT.trouble))
    .action(async (image: string, other: string, flags: DiffFlags) => {
      process.exitCode = EXIT.trouble;
      process.exitCode = await diff(context, [image, other], flags);
    });
}
