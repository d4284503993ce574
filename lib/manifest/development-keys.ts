import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "../external/bounded-file.ts";
import { exists, writeAtomically } from "../external/files.ts";
import type { Keys } from "../keys/keys.ts";
import { takeDevelopmentKeys } from "../keys/open.ts";
import { files } from "../keys/places.ts";
import { MAX_BYTES } from "./limits.ts";
import { firstRoot } from "./repository/root.ts";

export interface DevelopmentKeys {
  readonly keys: Keys;
  /** Holds ca.pem and root.json, as `keys/` of the project does once there are real keys. */
  readonly publicFolder: string;
}

const ROOT = "root.json";

/**
 * Keys to try things out with, made at first use in `folder` and the same ones from then on, and the public halves
 * that images and readers of a manifest need. Throws KeyError.
 */
export async function developmentKeys(request: {
  readonly folder: string;
  readonly cluster: string;
  readonly now: Date;
}): Promise<DevelopmentKeys> {
  const { folder, now } = request;
  const keys = await takeDevelopmentKeys(request);
  const publicFolder = join(folder, "public");
  await mkdir(publicFolder, { recursive: true });
  const ca = await readFile(join(folder, files.ca));
  const known = await readBounded(join(publicFolder, files.ca), MAX_BYTES.root);
  // Once written they stay: they are in images, and every byte of them is in a build id.
  if (known.kind !== "content" || !ca.equals(known.bytes))
    await writeAtomically(join(publicFolder, files.ca), ca);
  if (!(await exists(join(publicFolder, ROOT)))) {
    const role = (name: "root" | "targets" | "online") => ({ keys: keys.role(name), threshold: 1 });
    const content = { root: role("root"), targets: role("targets"), online: role("online") };
    await writeAtomically(join(publicFolder, ROOT), firstRoot(content, keys.role("root"), now));
  }
  return { keys, publicFolder };
}
