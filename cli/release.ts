import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { LoadedDefinition } from "../lib/cluster/load.ts";
import type { Build, Plan } from "../lib/cluster/plan.ts";
import { type MachineName, machineNames } from "../lib/emulator/machine.ts";
import { exists } from "../lib/external/files.ts";
import type { BuiltImage } from "../lib/image/build/results.ts";
import type { BuilderName } from "../lib/image/provision/provisioner.ts";
import type { BuildRelease } from "../lib/release/carry-over.ts";
import type { ChosenVersion } from "../lib/release/choose-version.ts";
import type { Trust } from "../lib/release/lookup.ts";
import type { StoreName } from "../lib/release/open-store.ts";
import type { PreparedRelease } from "../lib/release/prepare.ts";
import type { PreviousRelease } from "../lib/release/previous.ts";
import type { SourceState } from "../lib/release/repository.ts";
import type { ReleaseDetails, ReleaseStore, StoredRelease } from "../lib/release/store.ts";
import type { Version } from "../lib/release/version.ts";
import { giveFolderBack } from "./caller.ts";
import type { CliContext } from "./context.ts";
import { type ReleaseKeys, releaseKeys } from "./release-keys.ts";
import { refuseUnwritable, storeNamed, takeEnvironment } from "./release-places.ts";
import { becomeRoot } from "./root.ts";

interface ReleaseFlags {
  readonly store?: string;
  readonly file?: string;
  readonly machine: MachineName;
  readonly builder: BuilderName;
  readonly backport?: true;
  readonly allowDirty?: true;
  readonly dryRun?: true;
}

/** Everything that is known before anything is made. */
interface Order {
  readonly loaded: LoadedDefinition;
  readonly source: SourceState;
  readonly place: StoreName;
  readonly store: ReleaseStore;
  readonly stored: readonly StoredRelease[];
  readonly chosen: ChosenVersion;
  readonly keys: ReleaseKeys;
  readonly flags: ReleaseFlags;
  readonly waypoints: readonly Version[];
}

async function release(context: CliContext, wanted: string | undefined, flags: ReleaseFlags): Promise<void> {
  const { world } = context;
  const [{ loadDefinition }, { parseVersion }, { readSourceState, refuseDirty }] = await Promise.all([
    import("../lib/cluster/load.ts"),
    import("../lib/release/version.ts"),
    import("../lib/release/repository.ts"),
  ]);
  // Mistakes that can be seen at once are told before a password is asked for.
  const loaded = await loadDefinition(
    context.project,
    flags.file === undefined ? undefined : resolve(flags.file),
  );
  if (wanted !== undefined) parseVersion(wanted);
  const place = await storeNamed(flags.store, context.project);
  await refuseUnwritable(place);
  const source = await readSourceState(context.project, world);
  if (flags.allowDirty !== true) refuseDirty(source);
  // Development keys are made as who calls, so that they are theirs and not root's.
  if (process.getuid?.() !== 0) await releaseKeys(context, loaded.definition.cluster, place, {});
  becomeRoot(context, "building images");
  const [
    { preflight },
    { takeSecrets },
    { chooseVersion },
    { usingCache },
    { openStore },
    { waypointsOf, warnOfUnpublished },
  ] = await Promise.all([
    import("../lib/image/preflight.ts"),
    import("../lib/keys/places.ts"),
    import("../lib/release/choose-version.ts"),
    import("../lib/image/cache-use.ts"),
    import("../lib/release/open-store.ts"),
    import("../lib/release/waypoints.ts"),
  ]);
  const secrets = takeSecrets(process.env);
  const store = openStore(place, { env: takeEnvironment(process.env) }, world);
  const stored = await store.releases();
  const published = stored.filter(({ draft }) => !draft).map(({ tag }) => tag);
  const question = {
    ...{ wanted, headTags: source.tags, published },
    ...{ backport: flags.backport === true, sayBackport: "say --backport" },
  };
  const chosen = chooseVersion(question);
  const { tag, channel } = chosen.version;
  context.print(`${tag} (${chosen.because}) for ${channel}, to ${store.place}\n`);
  const keys = await releaseKeys(context, loaded.definition.cluster, place, secrets);
  const waypoints = waypointsOf(loaded.definition);
  for (const note of [...keys.notes, ...warnOfUnpublished(waypoints, chosen.version, published)])
    context.reporter.warn(note);
  const order: Order = { loaded, source, place, store, stored, chosen, keys, flags, waypoints };
  try {
    if (chosen.published) return await confirm(context, order);
    await preflight({ ...context, warn: (text) => context.reporter.warn(text) });
    await usingCache(context.cacheDir, world, context.reporter, () => make(context, order));
  } finally {
    if (place.kind === "local" && (await exists(place.folder))) await giveFolderBack(place.folder);
  }
}

/** A published release is never changed: it is looked at, and the update manifest follows where it lags. */
async function confirm(context: CliContext, order: Order): Promise<void> {
  const { store, stored, chosen, source, flags } = order;
  const { tag } = chosen.version;
  const [{ openTagged }, { publishRelease }, { RELEASE_DOCUMENT }, { announce }] = await Promise.all([
    import("../lib/release/lookup.ts"),
    import("../lib/release/publish-release.ts"),
    import("../lib/release/names.ts"),
    import("./release-manifest.ts"),
  ]);
  const wanted = { tag, commit: source.commit };
  const { document, file } = await openTagged(store, stored, wanted, trustOf(context, order));
  context.print(`${tag} is published already, from this commit: nothing is built or uploaded\n`);
  const assets = [...document.assets, { name: RELEASE_DOCUMENT, ...file }].map((asset) => ({
    ...asset,
    path: "",
  }));
  const details = detailsOf(order, "");
  await publishRelease(
    { store, details, assets, dryRun: flags.dryRun === true },
    context.world,
    context.reporter,
  );
  await announce(context, { ...order, document, file, dryRun: flags.dryRun === true });
}

function detailsOf({ chosen, source, loaded }: Order, notes: string): ReleaseDetails {
  const { tag, prerelease } = chosen.version;
  return { tag, commit: source.commit, title: `${loaded.definition.cluster} ${tag}`, notes, prerelease };
}

async function make(context: CliContext, order: Order): Promise<void> {
  const { store, chosen, keys, flags } = order;
  const { openPrevious } = await import("../lib/release/lookup.ts");
  const previous = await openPrevious(store, order.stored, chosen.version, trustOf(context, order));
  const built = await build(context, order, previous);
  if (flags.dryRun === true) return context.print("--dry-run: nothing was built, nothing is published\n");
  const prepared = await prepare(context, order, built, previous);
  const { publishRelease } = await import("../lib/release/publish-release.ts");
  await publishRelease(
    {
      store,
      details: detailsOf(order, prepared.notes),
      assets: prepared.assets,
    },
    context.world,
    context.reporter,
  );
  const { announce } = await import("./release-manifest.ts");
  await announce(context, { ...order, document: prepared.document, file: prepared.file, dryRun: false });
  context.print(await farewell(order, prepared, keys.caShown));
}

function trustOf(context: CliContext, { keys }: Order): Trust {
  const now = new Date(context.world.clock.now());
  return { ca: keys.keys.signing(now).ca, scratch: join(context.cacheDir, "scratch"), now };
}

interface Built {
  readonly releases: readonly BuildRelease[];
  readonly images: readonly BuiltImage[];
}

/** Builds what is not carried over, once the table of both has been printed. */
async function build(
  context: CliContext,
  { chosen, keys, flags }: Order,
  previous: PreviousRelease | undefined,
): Promise<Built> {
  const [{ buildImages }, { provisionerNamed }, { planBuilds, buildRows }, { plainTable }] =
    await Promise.all([
      import("../lib/image/build/build.ts"),
      import("../lib/image/provision/choose.ts"),
      import("../lib/release/carry-over.ts"),
      import("./table.ts"),
    ]);
  let releases: readonly BuildRelease[] = [];
  const choose = async (plan: Plan): Promise<readonly Build[]> => {
    releases = planBuilds(plan.cluster, plan.builds, previous?.document);
    const rows = buildRows(releases, chosen.version);
    context.print(await plainTable(["profile", "board", "version", "", "build id"], rows));
    const anew = new Set(
      releases.filter(({ origin }) => origin.kind === "new").map(({ build: { id } }) => id),
    );
    return flags.dryRun === true ? [] : plan.builds.filter(({ id }) => anew.has(id));
  };
  const images = await buildImages(
    {
      ...{ project: context.project, cacheDir: context.cacheDir, only: [], plain: false, choose },
      ...(flags.file === undefined ? {} : { file: resolve(flags.file) }),
      keys: keys.publicFolder,
      provisioner: () => provisionerNamed(flags.builder, context.cacheDir, context.world, context.reporter),
    },
    context.world,
    context.reporter,
  );
  return { releases, images };
}

async function prepare(
  context: CliContext,
  { loaded, chosen, keys, source, flags, waypoints }: Order,
  { releases, images }: Built,
  previous: PreviousRelease | undefined,
): Promise<PreparedRelease> {
  const { world, reporter, cacheDir } = context;
  const [{ prepareRelease }, { ensureTools }, { throwAway }] = await Promise.all([
    import("../lib/release/prepare.ts"),
    import("../lib/image/tools/ensure.ts"),
    import("../lib/keys/certificates.ts"),
  ]);
  const { cluster } = loaded.definition;
  const now = new Date(world.clock.now());
  const builds = releases.map((one) => {
    const image = images.find(({ id }) => id === one.build.id);
    return { release: one, ...(image === undefined ? {} : { image }) };
  });
  return prepareRelease(
    {
      ...{ cluster, version: chosen.version, commit: source.commit, waypoints, builds, previous },
      ...{ development: keys.keys.development, caShown: keys.caShown },
    },
    {
      ...{ tools: await ensureTools(world, reporter, cacheDir), cacheDir, world, reporter },
      ...{ machine: flags.machine, identity: keys.keys.signing(now) },
      throwAway: () => throwAway(now, cluster),
    },
  );
}

async function farewell(
  { store, place, chosen }: Order,
  prepared: PreparedRelease,
  ca: string,
): Promise<string> {
  const { verifyCommands } = await import("../lib/keys/cms.ts");
  const { tag } = chosen.version;
  const images = prepared.document.builds.map(({ image }) => `  ${store.urlOf(tag, image)}\n`);
  const local = place.kind === "local" ? `\nServe it on your network: ./pi serve\n` : "";
  const commands = verifyCommands({ ca }).map((line) => `  ${line}\n`);
  return [
    `\n${tag} is published in ${store.place}\n`,
    ...images,
    "\nCheck a download, in its folder:\n",
    ...commands,
    `or everything at once: ./pi verify ${tag}\n`,
    local,
  ].join("");
}

export function register(program: Command, context: CliContext): void {
  program
    .command("release")
    .description("build, boot, sign and publish a release; what is finished already is not done again")
    .argument("[version]", "v1.2.3 or v1.2.3-rc.1 (default: the tag on HEAD, else the next rc)")
    .option("--store <place>", "a folder, or github:OWNER/REPO (default: store/ of the project)")
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .addOption(
      new Option("--machine <name>", "what the images are booted on first")
        .choices(machineNames)
        .default("raspi3b"),
    )
    .addOption(
      new Option("--builder <name>", "who runs the playbook").choices(["chroot", "packer"]).default("chroot"),
    )
    .option(
      "--backport",
      "a version below the channel's latest: published, and no node moves to it by itself",
    )
    .option("--allow-dirty", "release what lies in the work tree, committed or not")
    .option("--dry-run", "show what would be built and carried over, and do nothing")
    .action((version: string | undefined, flags: ReleaseFlags) => release(context, version, flags));
}
