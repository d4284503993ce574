import { join } from "node:path";
import type { Secrets } from "../lib/keys/places.ts";
import type { ProjectKeys } from "../lib/manifest/project-keys.ts";
import type { StoreName } from "../lib/release/open-store.ts";
import type { CliContext } from "./context.ts";
import { keyEnvironment } from "./manifest-place.ts";

/** The keys a release is made with, and their public halves, which its images carry. */
export interface ReleaseKeys extends ProjectKeys {
  /** How people name the CA in commands. */
  readonly caShown: string;
}

/**
 * The cluster's keys, where `./pi keys init` has made some; else, for a local store, keys made on the spot to try
 * things out. Throws KeyError, ManifestError ROOT where a release for others would be signed with such.
 */
export async function releaseKeys(
  context: Pick<CliContext, "project" | "world">,
  cluster: string,
  place: StoreName,
  secrets: Secrets,
): Promise<ReleaseKeys> {
  const { project, world } = context;
  const { openProjectKeys } = await import("../lib/manifest/project-keys.ts");
  const keys = await openProjectKeys({
    ...{ project, cluster, secrets, env: keyEnvironment(), now: new Date(world.clock.now()) },
    development: place.kind === "local",
  });
  const ca = join(keys.publicFolder, "ca.pem");
  return { ...keys, caShown: keys.publicFolder === join(project, "keys") ? "keys/ca.pem" : ca };
}
