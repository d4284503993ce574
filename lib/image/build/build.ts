import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { policyOf, shapeBuilds } from "../../cluster/compile.ts";
import { renderIdentityExample } from "../../cluster/identity.ts";
import { type LoadedDefinition, loadDefinition, rolePath } from "../../cluster/load.ts";
import { readNodePin } from "../../cluster/node-runtime.ts";
import type { Build, Plan } from "../../cluster/plan.ts";
import { writeRecord } from "../../cluster/records.ts";
import { asset } from "../../external/assets.ts";
import { sha256OfFile, sha256OfText } from "../../external/files.ts";
import { digestFolder } from "../../external/folder-digest.ts";
import type { World } from "../../external/world.ts";
import type { Reporter } from "../../progress/reporter.ts";
import { type Archive, type ArchiveChoice, openArchive } from "../archive/archive.ts";
import { assemble } from "../assemble/assemble.ts";
import { ensureBase } from "../base/base.ts";
import { CORE_SCRIPTS, type Core, ensureCore, SCRIPTS, titled, type Workshop } from "../base/core.ts";
import { givenCore } from "../base/given.ts";
import { useForeignBinaries } from "../binfmt.ts";
import { ensureCached, OTHER_CACHE } from "../cache.ts";
import { usingCache } from "../cache-use.ts";
import { ImageError } from "../failure.ts";
import { NODE_PROGRAM, updaterNode } from "../node-runtime.ts";
import type { Provisioner } from "../provision/provisioner.ts";
import { sayingWhatRanOut } from "../starvation.ts";
import { ensureTools } from "../tools/ensure.ts";
import { playbookVariables } from "./playbook-variables.ts";
import { type ResolvedPlan, resolvePlan } from "./resolve.ts";
import { type BuildInfo, type BuiltImage, handOut } from "./results.ts";
import { writeSbom } from "./write-sbom.ts";

export interface BuildOptions {
  /** This project: ansible/, boards/, keys/. */
  readonly project: string;
  /** Folder with the public keys that nodes get, absolute; undefined: keys/ of the project. */
  readonly keys?: string;
  /** The definition, absolute; undefined: cluster.yaml of the project. */
  readonly file?: string;
  readonly cacheDir: string;
  /** Builds by id or profile; empty: all. */
  readonly only: readonly string[];
  /** Chooses among those once their build ids are known; undefined: all of them. */
  readonly choose?: (plan: Plan) => Promise<readonly Build[]>;
  /** Nothing native in foreign roots; kept apart in the cache. */
  readonly plain: boolean;
  /** Folder for the results; undefined: they stay in the cache. */
  readonly out?: string;
  readonly provisioner: (workshop: Workshop) => Promise<Provisioner>;
}

/** Builds the definition's images, taking from the cache what has not changed. */
export function buildImages(options: BuildOptions, world: World, reporter: Reporter): Promise<BuiltImage[]> {
  return sayingWhatRanOut(options.cacheDir, OTHER_CACHE, () => build(options, world, reporter));
}

async function build(options: BuildOptions, world: World, reporter: Reporter): Promise<BuiltImage[]> {
  const loaded = await loadDefinition(options.project, options.file);
  // A wrong name is told now, not after the tools tree.
  selectBuilds(shapeBuilds(loaded.definition), options.only);
  return usingCache(options.cacheDir, world, reporter, () => buildLoaded(loaded, options, world, reporter));
}

async function buildLoaded(
  loaded: LoadedDefinition,
  options: BuildOptions,
  world: World,
  reporter: Reporter,
): Promise<BuiltImage[]> {
  const { cacheDir } = options;
  const tools = await ensureTools(world, reporter, cacheDir);
  const workshop: Workshop = { tools, cacheDir, world, reporter, speed: options.plain ? "plain" : "native" };
  const choice = choiceOf(loaded);
  const archive = await openArchive(choice, tools, cacheDir, world, reporter);
  const resolved = await resolvePlan(loaded, options, archive, cacheDir);
  const wanted = selectBuilds(resolved.plan.builds, options.only);
  const builds = (await options.choose?.({ ...resolved.plan, builds: wanted })) ?? wanted;
  const foreign = lazily(() => useForeignBinaries(tools.path, world));
  const results: BuiltImage[] = [];
  try {
    for (const build of builds) {
      const job = { build, resolved, loaded, archive, choice, options, workshop };
      results.push(await buildOne(job, foreign.get));
    }
  } finally {
    await (await foreign.made())?.release();
  }
  return results;
}

interface Job {
  readonly build: Build;
  readonly resolved: ResolvedPlan;
  readonly loaded: LoadedDefinition;
  readonly archive: Archive;
  readonly choice: ArchiveChoice;
  readonly options: BuildOptions;
  readonly workshop: Workshop;
}

function choiceOf({ definition }: LoadedDefinition): ArchiveChoice {
  return { suite: definition.base.suite, snapshot: definition.base.snapshot, architecture: "arm64" };
}

/** Throws ImageError PREFLIGHT for a name that is no build. */
export function selectBuilds<T extends Pick<Build, "id" | "profile">>(
  builds: readonly T[],
  only: readonly string[],
): T[] {
  for (const name of only) {
    if (!builds.some((build) => build.id === name || build.profile === name)) {
      throw new ImageError("PREFLIGHT", `there is no profile ${JSON.stringify(name)} to build`, {
        fix: `one of: ${builds.map((build) => build.profile).join(", ")}`,
      });
    }
  }
  return builds.filter(
    (build) => only.length === 0 || only.includes(build.id) || only.includes(build.profile),
  );
}

/** Made when first asked for: an up-to-date cache needs none of it. */
function lazily<T>(make: () => Promise<T>): { get: () => Promise<T>; made: () => Promise<T | undefined> } {
  let value: Promise<T> | undefined;
  return {
    get: () => {
      value ??= make();
      return value;
    },
    made: async () => value?.catch(() => undefined),
  };
}

async function buildOne(job: Job, foreign: () => Promise<unknown>): Promise<BuiltImage> {
  const { build, options, workshop, resolved } = job;
  const { cacheDir, world, reporter } = workshop;
  const room = options.plain ? "builds-plain" : "builds";
  const started = world.clock.now();
  const entry = await ensureCached(
    {
      cacheDir,
      room,
      key: build.buildId,
      about: { id: build.id, inputs: build.inputs },
      make: async (folder) => {
        await foreign();
        await makeImage(folder, job, started);
      },
    },
    world,
    reporter,
  );
  if (!options.plain) {
    await writeRecord(cacheDir, resolved.plan.cluster, build.id, {
      buildId: build.buildId,
      inputs: build.inputs,
      finishedAt: new Date(world.clock.now()).toISOString(),
    });
  }
  const info = JSON.parse(await readFile(join(entry.folder, "buildinfo.json"), "utf8")) as BuildInfo;
  if (entry.reused) reporter.info(`${build.id}: unchanged, build ${build.buildId.slice(0, 12)}`);
  return handOut(entry, info, options.out);
}

async function makeImage(folder: string, job: Job, started: number): Promise<void> {
  const { build, options, workshop, archive } = job;
  const { world, reporter, tools } = workshop;
  const core = await coreOf(job);
  const scripts = ["profile.sh", "check-initramfs.sh"].map((name) => sha256OfFile(join(SCRIPTS, name)));
  const recipe = sha256OfText(
    [await digestFolder(asset("boards", build.board)), ...(await Promise.all(scripts))].join(),
  );
  const base = await ensureBase(
    {
      core,
      archive,
      profile: build.profile,
      board: build.board,
      recipe,
      packages: packagesOf(job),
      corePackages: boardOf(job).core,
      given: job.loaded.definition.base.url !== undefined,
    },
    workshop,
  );
  const provisioner = await options.provisioner(workshop);
  const node = await updaterNode(options.project, keysOf(options), workshop);
  const work = join(folder, "work");
  const tree = join(folder, "tree.tar");
  await mkdir(work);
  await writeFile(join(folder, "vars.json"), JSON.stringify(variablesOf(job, core, node), null, 2));
  await reporter.step(titled(`playbook for ${build.profile}`, workshop), {}, (step) =>
    provisioner.provision(
      {
        build,
        base: { path: base.tar, sha256: base.sha256 },
        ansible: asset("ansible"),
        project: job.loaded.folder,
        keys: keysOf(options),
        ...(node === undefined ? {} : { node }),
        varsFile: join(folder, "vars.json"),
        tree,
        work,
        nativePython: workshop.speed === "native",
        epoch: core.epoch,
      },
      tools,
      world,
      step,
    ),
  );
  await rm(work, { recursive: true, force: true });
  const treeDigest = await sha256OfFile(tree);
  const assembled = await reporter.step(titled(`image of ${build.profile}`, workshop), {}, (step) =>
    assemble(
      {
        profile: build.profile,
        board: build.board,
        buildId: build.buildId,
        tree,
        firmware: core.firmware,
        identityExample: renderIdentityExample(),
        folder,
        epoch: core.epoch,
      },
      tools,
      world,
      step,
    ),
  );
  const name = [job.resolved.plan.cluster, build.profile, build.board].join("-");
  await writeSbom(
    {
      ...{ name, buildId: build.buildId, epoch: core.epoch },
      firmware: boardOf(job).firmware.map((entry) => ({ ...entry, source: entry.name })),
      ...(node === undefined ? {} : { node: await readNodePin(options.project) }),
    },
    { tree, to: join(folder, "sbom.cdx.json") },
    world,
  );
  const info: BuildInfo = {
    version: 1,
    name,
    cluster: job.resolved.plan.cluster,
    profile: build.profile,
    board: build.board,
    buildId: build.buildId,
    inputs: build.inputs,
    builder: provisioner.name,
    base: { sha256: base.sha256, epoch: core.epoch },
    tools: tools.digest,
    tree: { sha256: treeDigest },
    slot: { bytes: assembled.slot.bytes, sha256: assembled.slot.sha256 },
    disk: { bytes: assembled.disk.bytes, sha256: assembled.disk.sha256 },
    durationMs: world.clock.now() - started,
  };
  await writeFile(join(folder, "buildinfo.json"), `${JSON.stringify(info, null, 2)}\n`);
  const needless = "tree.tar disk.img vars.json layout.sh partitions.sfdisk slot-a.index slot-a.sum".split(
    " ",
  );
  for (const name of needless) await rm(join(folder, name), { force: true });
}

const boardOf = (job: Job) => {
  const board = job.resolved.boards.get(job.build.board);
  if (board === undefined) throw new Error(`board ${job.build.board} was not resolved`);
  return board;
};

const keysOf = ({ keys, project }: BuildOptions): string => keys ?? join(project, "keys");

const packagesOf = (job: Job) => job.resolved.packages.get(job.build.id) ?? [];

async function coreOf(job: Job): Promise<Core> {
  const { workshop, archive, choice } = job;
  const { core: packages, firmware } = boardOf(job);
  const scripts = await Promise.all(CORE_SCRIPTS.map((name) => sha256OfFile(join(SCRIPTS, name))));
  const scriptsDigest = sha256OfText(scripts.join());
  const { url, sha256 } = job.loaded.definition.base;
  if (url !== undefined && sha256 !== undefined) {
    return givenCore({ url, sha256, archive, firmware }, workshop, scriptsDigest);
  }
  return ensureCore({ choice, archive, packages, firmware, board: job.build.board }, workshop, scriptsDigest);
}

function variablesOf(
  { build, resolved, options, loaded }: Job,
  { epoch }: Core,
  node: string | undefined,
): Record<string, unknown> {
  const roles = build.ansible.roles.map((role) => rolePath(role, options.project, loaded.folder));
  const policy = policyOf(loaded.definition);
  const updater = node === undefined ? {} : { updater: { node: join(node, NODE_PROGRAM), policy } };
  const { cluster } = resolved.plan;
  return playbookVariables(build, { cluster, roles, epoch, keys: keysOf(options), ...updater });
}
