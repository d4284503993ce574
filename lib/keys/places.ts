import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The names of the files in a key folder. */
export const files = {
  ca: "ca.pem",
  caKey: "ca-key.pem",
  signing: "signing.pem",
  signingKey: "signing-key.pem",
  /** The key of a leaf that is about to replace the one in use; see rotate.ts. */
  nextSigningKey: "signing-key-next.pem",
  /** Says that the keys are nobody's promise. */
  development: "DEVELOPMENT",
} as const;

/** Where a job on a runner has them instead: PEM text each. There is none for root: its keys stay with people. */
export const secretNames = {
  targets: "PI_KEY_TARGETS",
  online: "PI_KEY_ONLINE",
  signingKey: "PI_KEY_SIGNING",
  signing: "PI_CERT_SIGNING",
} as const;

export type Secrets = Readonly<Partial<Record<keyof typeof secretNames, string>>>;

type Environment = Record<string, string | undefined>;

const CLUSTER = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The secrets of a job, taken out of `env`: no process that is started afterwards has them. GitHub sets a secret
 * that does not exist to the empty string, so that counts as none.
 */
export function takeSecrets(env: Environment): Secrets {
  const taken: Partial<Record<keyof typeof secretNames, string>> = {};
  for (const key of Object.keys(secretNames) as (keyof typeof secretNames)[]) {
    const value = env[secretNames[key]];
    delete env[secretNames[key]];
    if (value !== undefined && value.trim() !== "") taken[key] = value;
  }
  return taken;
}

/**
 * The folder of a cluster's private keys: `PI_KEYS`, or else a folder of this user's, never one in the project.
 * The caller makes `PI_KEYS` absolute before. Throws Error where the cluster has no name a folder could have.
 */
export function keysFolder(env: Readonly<Environment>, cluster: string): string {
  if (!CLUSTER.test(cluster)) throw new Error(`${JSON.stringify(cluster)} is not a cluster's name`);
  const own = env.PI_KEYS;
  if (own !== undefined && own !== "") return own;
  const config = env.XDG_CONFIG_HOME;
  // A relative one is to be ignored, says the XDG specification.
  const base = config !== undefined && isAbsolute(config) ? config : join(env.HOME || homedir(), ".config");
  return join(base, "home-pi-cluster", "keys", cluster);
}
