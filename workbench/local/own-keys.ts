import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../../lib/external/files.ts";
import { files, secretNames } from "../../lib/keys/places.ts";
import { initKeys } from "../../lib/manifest/ceremony.ts";
import { ROOT_FILE } from "../../lib/manifest/project-keys.ts";
import type { Order } from "./order.ts";

/** Keys as somebody's repository has them. */
export interface OwnKeys {
  /** The public halves, by path in the repository. */
  readonly committed: Readonly<Record<string, string>>;
  /** What the environments of a run's jobs hold; a pull request's and a preview's hold nothing. */
  secretsOf(order: Pick<Order, "file" | "releases">): Readonly<Record<string, string>>;
}

const PRIVATE = {
  ...{ signingKey: files.signingKey, signing: files.signing },
  ...{ targets: "targets-1.pem", online: "online-1.pem" },
} as const;

function environmentOf({ file, releases }: Pick<Order, "file" | "releases">): (keyof typeof PRIVATE)[] {
  if (file === "manifest.yml") return ["targets", "online"];
  // Whoever releases: rebuild.yml lets release.yml do it.
  return releases === undefined ? [] : ["signingKey", "signing"];
}

/**
 * The keys in `folder`, made there at first use. They stay: images carry their public halves, so a build is found
 * again by them. Throws KeyError.
 */
export async function ownKeys(folder: string, cluster: string): Promise<OwnKeys> {
  const [secret, open] = [join(folder, "private"), join(folder, "public")];
  if (!(await exists(join(open, ROOT_FILE)))) {
    const now = new Date();
    await initKeys({ folder: secret, publicFolder: open, cluster, roots: 1, threshold: 1, now });
  }
  const text = async (place: string, name: string): Promise<string> => readFile(join(place, name), "utf8");
  const [ca, root] = await Promise.all([text(open, files.ca), text(open, ROOT_FILE)]);
  const secrets = new Map<string, string>();
  for (const [name, file] of Object.entries(PRIVATE)) secrets.set(name, await text(secret, file));
  return {
    committed: { [`keys/${files.ca}`]: ca, [`keys/${ROOT_FILE}`]: root },
    secretsOf: (order) =>
      Object.fromEntries(environmentOf(order).map((name) => [secretNames[name], secrets.get(name) ?? ""])),
  };
}
