import { mkdir, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import prettyBytes from "pretty-bytes";
import { sha256OfFile } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { buildImages } from "../../lib/image/build/build.ts";
import type { BuiltImage } from "../../lib/image/build/results.ts";
import { preflight } from "../../lib/image/preflight.ts";
import { provisionerNamed } from "../../lib/image/provision/choose.ts";
import { markdownTable } from "../../lib/progress/markdown.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { formatDuration } from "../../lib/progress/words.ts";
import { installHostPackages } from "../runner/host-packages.ts";
import { addSummary, writeOutputs } from "../runner/outputs.ts";
import { giveToRunner } from "../runner/root.ts";
import { type Inputs, outputs } from "./interface.ts";

export interface Surroundings {
  /** Root of this repository: boards/, ansible/ and what else shapes an image. */
  readonly project: string;
  readonly workspace: string;
}

/** Builds the image, or takes it from the cache, and tells the workflow. Needs root. */
export async function run(
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<void> {
  const out = resolve(around.workspace, inputs.out);
  const cacheDir = resolve(around.workspace, inputs["cache-dir"]);
  await installHostPackages(world, reporter);
  await preflight({ world, cacheDir, warn: (text) => reporter.warn(text) });
  await mkdir(out, { recursive: true });
  try {
    const options = {
      project: around.project,
      file: resolve(around.workspace, inputs.definition),
      cacheDir,
      only: [inputs.id],
      plain: false,
      out,
      provisioner: () => provisionerNamed(inputs.builder, cacheDir, world, reporter),
    };
    for (const built of await buildImages(options, world, reporter)) await tell(built);
  } finally {
    await giveToRunner(out);
  }
}

async function tell(built: BuiltImage): Promise<void> {
  const digests = await digestsOf(built);
  writeOutputs(outputs, {
    image: built.image,
    "build-id": built.info.buildId,
    digests: JSON.stringify(digests),
  });
  await addSummary(summaryOf(built, digests));
}

/** Digests of the files people get, by name. */
async function digestsOf(built: BuiltImage): Promise<Record<string, string>> {
  const folder = dirname(built.image);
  const stem = basename(built.image).replace(/\.img\.zst$/, "");
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${stem}.`)).sort();
  const digests = await Promise.all(
    names.map(async (name) => [name, await sha256OfFile(join(folder, name))] as const),
  );
  return Object.fromEntries(digests);
}

function summaryOf({ info, reused, id }: BuiltImage, digests: Readonly<Record<string, string>>): string {
  const how = reused
    ? "taken from the cache"
    : `built by ${info.builder} in ${formatDuration(info.durationMs)}`;
  const facts = [
    ["build id", info.buildId],
    ["made", how],
    ["disk image, unpacked", prettyBytes(info.disk.bytes)],
    ["slot file system", prettyBytes(info.slot.bytes)],
  ];
  const files = markdownTable(["file", "sha256"], Object.entries(digests));
  return `### Image ${id}\n\n${markdownTable(["", ""], facts)}\n${files}`;
}
