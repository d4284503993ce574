import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "../external/bounded-file.ts";
import { exists, writeAtomically } from "../external/files.ts";
import type { Keys } from "../keys/keys.ts";
import { openKeys, takeDevelopmentKeys } from "../keys/open.ts";
import { files, keysFolder, type Secrets } from "../keys/places.ts";
import { ManifestError } from "./failure.ts";
import { MAX_BYTES } from "./limits.ts";
import { firstRoot } from "./repository/root.ts";

export interface ProjectKeysRequest {
  /** Root of the project, whose `keys/` holds the public halves. */
  readonly project: string;
  readonly cluster: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** See takeSecrets. */
  readonly secrets?: Secrets;
  readonly now: Date;
  /** Whether keys may be made on the spot where the project has none: for a store on this machine. */
  readonly development: boolean;
}

export interface ProjectKeys {
  readonly keys: Keys;
  /** Content of root.json, from which everything is trusted. */
  readonly trustedRoot: Uint8Array;
  /** Folder of the public halves: ca.pem and root.json. */
  readonly publicFolder: string;
  /** For people, what there is to know about these keys; empty for real ones. */
  readonly notes: readonly string[];
}

export const ROOT_FILE = "root.json";

/** root.json of a folder, or undefined where there is none. Throws ManifestError ROOT. */
export async function readRootFile(folder: string): Promise<Uint8Array | undefined> {
  const read = await readBounded(join(folder, ROOT_FILE), MAX_BYTES.root);
  if (read.kind === "content") return read.bytes;
  if (read.kind === "absent") return undefined;
  throw new ManifestError("ROOT", `${join(folder, ROOT_FILE)} cannot be read (${read.kind})`, {
    fix: "take it from git: git checkout keys/root.json",
  });
}

/**
 * The folder of keys for trying things out: beside the real ones, so not in the project, which a build shows to
 * users' playbooks, and not in what is served.
 */
export function developmentFolder(env: ProjectKeysRequest["env"], cluster: string): string {
  return `${keysFolder(env, cluster)}-development`;
}

/** The keys for trying things out, made at first use. Throws KeyError. */
export async function developmentKeys({
  env,
  cluster,
  now,
}: Pick<ProjectKeysRequest, "env" | "cluster" | "now">): Promise<ProjectKeys> {
  const folder = developmentFolder(env, cluster);
  const publicFolder = join(folder, "public");
  const keys = await takeDevelopmentKeys({ folder, cluster, now });
  // Once written they stay: images carry them, so every byte is in their build ids.
  const ca = join(publicFolder, files.ca);
  if (!(await exists(ca))) await writeAtomically(ca, await readFile(join(folder, files.ca)));
  const known = await readRootFile(publicFolder);
  const one = (role: "root" | "targets" | "online") => ({ keys: keys.role(role), threshold: 1 });
  const trustedRoot =
    known ??
    firstRoot({ root: one("root"), targets: one("targets"), online: one("online") }, keys.role("root"), now);
  if (known === undefined) await writeAtomically(join(publicFolder, ROOT_FILE), trustedRoot);
  const notes = [
    `development keys in ${folder}: for trying things out, nobody keeps them safe`,
    "./pi keys init makes keys that nodes can rely on",
  ];
  return { keys, trustedRoot, publicFolder, notes };
}

/** What somebody needs who signs nothing: the root and the CA that count here. */
export interface PublicKeys {
  /** Content of root.json. */
  readonly trustedRoot: Uint8Array;
  /** PEM. */
  readonly ca: string;
  readonly notes: readonly string[];
}

/** The public halves of the project's keys, else of this machine's development keys. Throws ManifestError ROOT. */
export async function readPublicKeys(
  request: Pick<ProjectKeysRequest, "project" | "cluster" | "env">,
): Promise<PublicKeys> {
  const tried = join(developmentFolder(request.env, request.cluster), "public");
  for (const [folder, notes] of [
    [join(request.project, "keys"), []],
    [tried, [`checked with the development keys of this machine, ${tried}`]],
  ] as const) {
    const trustedRoot = await readRootFile(folder);
    if (trustedRoot !== undefined) {
      return { trustedRoot, ca: await readFile(join(folder, files.ca), "utf8"), notes };
    }
  }
  throw new ManifestError(
    "ROOT",
    `there is no ${join("keys", ROOT_FILE)}, so nothing here says whom to trust`,
    {
      fix: "take keys/root.json and keys/ca.pem from the repository the release was made of",
    },
  );
}

/**
 * The keys of a project and the root they belong to. Where the project has no keys/root.json and the store is on
 * this machine, development keys, made at first use. Throws KeyError; ManifestError ROOT where there are none.
 */
export async function openProjectKeys(request: ProjectKeysRequest): Promise<ProjectKeys> {
  const { project, cluster, env, secrets } = request;
  const publicFolder = join(project, "keys");
  const trustedRoot = await readRootFile(publicFolder);
  if (trustedRoot !== undefined) {
    const folder = keysFolder(env, cluster);
    const keys = await openKeys({ folder, publicFolder, ...(secrets === undefined ? {} : { secrets }) });
    return { keys, trustedRoot, publicFolder, notes: [] };
  }
  if (request.development) return developmentKeys(request);
  throw new ManifestError("ROOT", `there is no ${join("keys", ROOT_FILE)}: this cluster has no keys yet`, {
    fix: "./pi keys init makes them; commit what it writes into keys/",
  });
}
