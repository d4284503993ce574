import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secretNames } from "../../../lib/keys/places.ts";
import { initKeys } from "../../../lib/manifest/ceremony.ts";
import { git } from "./repository.ts";
import { root } from "./run-action.ts";

export interface OwnCluster {
  readonly folder: string;
  /** A checkout with a definition and public keys of its own. */
  readonly workspace: string;
  /** A bare repository, as a git server has it. */
  readonly remote: string;
  /** The private keys as a job of an environment gets them. */
  readonly secrets: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

const KEY_FILES = {
  targets: "targets-1.pem",
  online: "online-1.pem",
  signingKey: "signing-key.pem",
  signing: "signing.pem",
} as const;

/** The example cluster with keys of its own, as somebody has it after `./pi keys init`. */
export async function ownCluster(): Promise<OwnCluster> {
  const folder = await mkdtemp(join(tmpdir(), "own-cluster-"));
  const workspace = join(folder, "workspace");
  const remote = join(folder, "remote.git");
  await mkdir(join(workspace, "keys"), { recursive: true });
  await cp(join(root, "cluster.yaml"), join(workspace, "cluster.yaml"));
  await git(folder, "init", "-q", "--bare", remote);
  const keys = join(folder, "keys");
  const now = new Date();
  await initKeys({
    ...{ folder: keys, publicFolder: join(workspace, "keys"), cluster: "home", now },
    ...{ roots: 1, threshold: 1 },
  });
  const secrets = Object.entries(secretNames).map(
    async ([name, variable]) =>
      [variable, await readFile(join(keys, KEY_FILES[name as keyof typeof KEY_FILES]), "utf8")] as const,
  );
  return {
    ...{ folder, workspace, remote },
    secrets: Object.fromEntries(await Promise.all(secrets)),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
