import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { ManifestHome } from "../lib/manifest/home.ts";
import type { ProjectKeys } from "../lib/manifest/project-keys.ts";
import type { CliContext } from "./context.ts";
import { defaultStore } from "./release-places.ts";

/** Where a command finds the update manifest. */
export interface PlaceFlags {
  readonly store?: string;
  readonly branch?: string;
  readonly file?: string;
  readonly dryRun?: true;
}

export interface Place {
  readonly cluster: string;
  readonly home: ManifestHome;
  readonly project: ProjectKeys;
  readonly now: Date;
}

export function placeOptions(command: Command): Command {
  return command
    .addOption(new Option("--store <folder>", "the local store (default: store/)").conflicts("branch"))
    .option("--branch <repository>", "the branch manifest of this git repository instead")
    .option("--file <path>", "the definition (default: cluster.yaml)");
}

/** The name in cluster.yaml. Throws DefinitionError. */
export async function clusterName(context: Pick<CliContext, "project">, file?: string): Promise<string> {
  const { loadDefinition } = await import("../lib/cluster/load.ts");
  const loaded = await loadDefinition(context.project, file === undefined ? undefined : resolve(file));
  return loaded.definition.cluster;
}

/** The environment that names the folder of the keys, its path made absolute. */
export function keyEnvironment(): Readonly<Record<string, string | undefined>> {
  const { PI_KEYS: own } = process.env;
  return own === undefined || own === "" ? process.env : { ...process.env, PI_KEYS: resolve(own) };
}

/** What a person or a job has told git by its environment: how to log in, and settings; nothing else is handed on. */
const GIT_VARIABLE =
  /^(SSH_AUTH_SOCK|SSH_ASKPASS|GIT_SSH_COMMAND|GIT_ASKPASS|GIT_CONFIG_(COUNT|(KEY|VALUE)_\d+))$/;

function gitEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => GIT_VARIABLE.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? ""]));
}

/**
 * Home and keys of the manifest that a command is about. Who only `look`s gets no keys made on the spot. Throws
 * DefinitionError, KeyError, ManifestError.
 */
export async function openPlace(context: CliContext, flags: PlaceFlags, look?: "look"): Promise<Place> {
  const [{ developmentFolder, openProjectKeys, readRootFile }, { takeSecrets }] = await Promise.all([
    import("../lib/manifest/project-keys.ts"),
    import("../lib/keys/places.ts"),
  ]);
  const cluster = await clusterName(context, flags.file);
  const now = new Date(context.world.clock.now());
  const tried = await readRootFile(join(developmentFolder(keyEnvironment(), cluster), "public"));
  const project = await openProjectKeys({
    ...{ project: context.project, cluster, now, env: keyEnvironment() },
    secrets: takeSecrets(process.env),
    development: flags.branch === undefined && (look === undefined || tried !== undefined),
  });
  for (const note of project.notes) context.reporter.info(note);
  const store = flags.store === undefined ? defaultStore(context.project) : resolve(flags.store);
  const home = await openHome(flags.branch === undefined ? { store } : { branch: flags.branch }, context);
  return { cluster, now, project, home };
}

/** The manifest in a local store, or on the branch `manifest` of a git repository. */
export async function openHome(
  at: { readonly store: string } | { readonly branch: string },
  { world, cacheDir }: Pick<CliContext, "world" | "cacheDir">,
): Promise<ManifestHome> {
  if ("store" in at) {
    const { localHome } = await import("../lib/manifest/local-home.ts");
    return localHome({ store: at.store, world });
  }
  const { branchHome } = await import("../lib/manifest/branch-home.ts");
  const scratch = join(cacheDir, "scratch");
  return branchHome({ remote: at.branch, scratch, world, env: gitEnvironment() });
}
