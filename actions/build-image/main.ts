import { mkdir, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import prettyBytes from "pretty-bytes";
import { compareWithBase } from "../../lib/diff/against-base.ts";
import { keepAsBase } from "../../lib/diff/base-build.ts";
import { baseMarkdown } from "../../lib/diff/base-markdown.ts";
import { exists, sha256OfFile } from "../../lib/external/files.ts";
import type { World } from "../../lib/external/world.ts";
import { buildImages } from "../../lib/image/build/build.ts";
import type { BuiltImage } from "../../lib/image/build/results.ts";
import { usingCache } from "../../lib/image/cache-use.ts";
import { preflight } from "../../lib/image/preflight.ts";
import { provisionerNamed } from "../../lib/image/provision/choose.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import { throwAway } from "../../lib/keys/certificates.ts";
import { markdownTable } from "../../lib/progress/markdown.ts";
import type { Reporter } from "../../lib/progress/reporter.ts";
import { formatDuration } from "../../lib/progress/words.ts";
import { packBuild, THROW_AWAY_CA } from "../../lib/release/packed-build.ts";
import { parseVersion, type Version } from "../../lib/release/version.ts";
import { installHostPackages } from "../runner/host-packages.ts";
import { addSummary, writeOutputs } from "../runner/outputs.ts";
import { giveToRunner } from "../runner/root.ts";
import { type Inputs, outputs } from "./interface.ts";

export interface Surroundings {
  /** Root of this repository: boards/, ansible/ and what else shapes an image. */
  readonly project: string;
  readonly workspace: string;
  /** The commit the workflow runs for; undefined where nobody says so. */
  readonly commit: string | undefined;
}

/** Builds the image, or takes it from the cache, and tells the workflow. Needs root. */
export async function run(
  inputs: Inputs,
  around: Surroundings,
  world: World,
  reporter: Reporter,
): Promise<void> {
  const out = resolve(around.workspace, inputs.out);
  const file = resolve(around.workspace, inputs.definition);
  const version = inputs.version === undefined ? undefined : parseVersion(inputs.version);
  const cacheDir = resolve(around.workspace, inputs["cache-dir"]);
  await installHostPackages(world, reporter);
  await preflight({ world, cacheDir, warn: (text) => reporter.warn(text) });
  await mkdir(out, { recursive: true });
  try {
    const options = {
      project: around.project,
      file,
      ...(await ownKeys(file)),
      cacheDir,
      only: [inputs.id],
      plain: false,
      out,
      provisioner: () => provisionerNamed(inputs.builder, cacheDir, world, reporter),
    };
    for (const built of await buildImages(options, world, reporter)) {
      const files =
        version === undefined
          ? await filesOf(built)
          : await pack(built, version, out, { cacheDir, world, reporter });
      if (inputs.artifact !== undefined) {
        await uploadAs(inputs.artifact, files, inputs["retention-days"], reporter);
      }
      await tell(built, files);
      await compare(built, inputs, cacheDir, world, reporter);
      if (inputs.cache === "read-write" && around.commit !== undefined) {
        await keepAsBase(built, around.commit, cacheDir, world);
      }
    }
  } finally {
    await giveToRunner(out);
  }
}

/** The keys that nodes get lie beside the definition, also where the definition is another repository's. */
async function ownKeys(definition: string): Promise<{ keys?: string }> {
  const keys = join(dirname(definition), "keys");
  return (await exists(join(keys, "ca.pem"))) ? { keys } : {};
}

/** The build's files as a release has them, the image first. */
async function pack(
  built: BuiltImage,
  version: Version,
  out: string,
  { cacheDir, world, reporter }: { cacheDir: string; world: World; reporter: Reporter },
): Promise<string[]> {
  const now = new Date(world.clock.now());
  const names = await usingCache(cacheDir, world, reporter, async () => {
    const tools = await ensureTools(world, reporter, cacheDir);
    const own = () => throwAway(now, built.info.cluster);
    return packBuild(built, version, join(out, version.tag), {
      ...{ tools, cacheDir, world, reporter },
      throwAway: own,
    });
  });
  return [...Object.values(names), THROW_AWAY_CA].map((name) => join(out, version.tag, name));
}

async function uploadAs(
  name: string,
  files: readonly string[],
  retentionDays: number | undefined,
  reporter: Reporter,
): Promise<void> {
  const { openRunArtifacts } = await import("../../lib/external/run-artifacts.ts");
  const artifacts = await openRunArtifacts();
  await reporter.step(`upload ${name}`, {}, () => artifacts.upload(name, files, { retentionDays }));
}

async function tell(built: BuiltImage, files: readonly string[]): Promise<void> {
  const digests = Object.fromEntries(
    await Promise.all(files.map(async (path) => [basename(path), await sha256OfFile(path)] as const)),
  );
  writeOutputs(outputs, {
    image: files[0] ?? built.image,
    "build-id": built.info.buildId,
    digests: JSON.stringify(digests),
  });
  await addSummary(summaryOf(built, digests));
}

/** What differs from the base branch's build, into the summary. */
async function compare(
  built: BuiltImage,
  { "compare-with": commit }: Inputs,
  cacheDir: string,
  world: World,
  reporter: Reporter,
): Promise<void> {
  if (commit === undefined) return;
  const tools = () => ensureTools(world, reporter, cacheDir);
  const comparison = await usingCache(cacheDir, world, reporter, () =>
    compareWithBase({ commit, built, cacheDir, tools }, world, reporter),
  );
  if ("why" in comparison) reporter.info(`${built.id}: ${comparison.why}`);
  const { buildId, inputs } = built.info;
  await addSummary(baseMarkdown(comparison, { id: built.id, buildId, inputs, commit }));
}

/** The files people get of a build without a version, the image first. */
async function filesOf(built: BuiltImage): Promise<string[]> {
  const folder = dirname(built.image);
  const stem = basename(built.image).replace(/\.img\.zst$/, "");
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${stem}.`)).sort();
  const others = names.map((name) => join(folder, name)).filter((path) => path !== built.image);
  return [built.image, ...others];
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
