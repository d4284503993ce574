import { join } from "node:path";
import { exists, sha256OfText } from "../external/files.ts";
import { digestFolder } from "../external/folder-digest.ts";
import { type Sources, shapeBuilds } from "./compile.ts";
import { type LoadedDefinition, rolePath } from "./load.ts";
import { readNodePin } from "./node-runtime.ts";

/** Folders of the project that shape every image, by the name of the input. */
const folders: Readonly<Record<string, string>> = {
  playbook: "ansible",
  tools: "tools",
  assembly: "lib/image",
};

/** What nodes get of the folder with the public keys; without ca.pem it is the placeholder, which never changes. */
const KEY_FILES = ["ca.pem", "root.json"];

/** The file of a folder of keys that a node's updater trusts. */
const ROOT_FILE = "root.json";
const UPDATER = ["node-update.mjs"];

/** Whether nodes get an updater: it has to know whom to trust. */
export function hasUpdater(keys: string): Promise<boolean> {
  return exists(join(keys, ROOT_FILE));
}

/** The updater's program and the Node it runs on. */
async function updaterDigest(project: string): Promise<string> {
  const { integrity } = await readNodePin(project);
  return sha256OfText([await digestFolder(join(project, "updater", "dist"), UPDATER), integrity].join());
}

async function digestAll(paths: ReadonlyMap<string, string>): Promise<Record<string, string>> {
  const digests = [...paths].map(async ([name, path]) => [name, await digestFolder(path)] as const);
  return Object.fromEntries(await Promise.all(digests));
}

/**
 * Digests of everything in the project (absolute path) that shapes the definition's images. Resolved package
 * lists are the caller's: see records.ts. `keys`: the folder with the public keys that nodes get. Takes some 10 ms.
 */
export async function gatherSources(
  project: string,
  loaded: LoadedDefinition,
  packages: Sources["packages"],
  keys = join(project, "keys"),
): Promise<Sources> {
  const builds = shapeBuilds(loaded.definition);
  const boards = new Map(builds.map(({ board }) => [board, join(project, "boards", board)]));
  const roles = new Map(
    builds.flatMap(({ ansible }) =>
      ansible.roles.map((role) => [role, rolePath(role, project, loaded.folder)] as const),
    ),
  );
  const shared = new Map(Object.entries(folders).map(([name, folder]) => [name, join(project, folder)]));
  return {
    digests: {
      ...(await digestAll(shared)),
      keys: await digestFolder(keys, KEY_FILES),
      ...((await hasUpdater(keys)) ? { updater: await updaterDigest(project) } : {}),
    },
    boards: await digestAll(boards),
    roles: await digestAll(roles),
    packages,
  };
}
