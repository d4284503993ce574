import { dirname } from "node:path";
import type { Secrets } from "../../lib/keys/places.ts";
import { openProjectKeys, type ProjectKeys } from "../../lib/manifest/project-keys.ts";

/**
 * The keys a job signs with: its secrets, and the public halves beside the definition (absolute path). None are ever
 * made on the spot here. Throws KeyError, ManifestError ROOT.
 */
export function keysOfJob(
  definition: string,
  cluster: string,
  secrets: Secrets,
  now: Date,
): Promise<ProjectKeys> {
  const project = dirname(definition);
  return openProjectKeys({ project, cluster, env: process.env, secrets, now, development: false });
}
