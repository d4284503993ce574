import { join } from "node:path";
import { exists } from "../lib/external/files.ts";
import { KeyError } from "../lib/keys/failure.ts";
import type { Keys } from "../lib/keys/keys.ts";
import type { Secrets } from "../lib/keys/places.ts";
import type { CliContext } from "./context.ts";
import type { StorePlace } from "./release-places.ts";

/** The keys a release is made with, and their public halves, which its images carry. */
export interface ReleaseKeys {
  readonly keys: Keys;
  /** Folder with ca.pem and root.json, and nothing secret. */
  readonly publicFolder: string;
  /** How people name the CA in commands. */
  readonly caShown: string;
}

/**
 * The cluster's keys, where `./pi keys init` has made some; else, for a local store, keys made on the spot to try
 * things out. Throws KeyError MISSING where a release for others would be signed with such.
 */
export async function releaseKeys(
  context: Pick<CliContext, "project" | "cacheDir" | "world" | "reporter">,
  cluster: string,
  place: StorePlace,
  secrets: Secrets,
): Promise<ReleaseKeys> {
  const { project, world, reporter } = context;
  const [{ openKeys }, { keysFolder }] = await Promise.all([
    import("../lib/keys/open.ts"),
    import("../lib/keys/places.ts"),
  ]);
  const folder = keysFolder(process.env, cluster);
  const publicFolder = join(project, "keys");
  if (await exists(join(publicFolder, "ca.pem"))) {
    const keys = await openKeys({ folder, publicFolder, secrets });
    return { keys, publicFolder, caShown: "keys/ca.pem" };
  }
  if (place.kind === "github") {
    throw new KeyError(
      "PUBLIC_MISSING",
      `there are no keys yet: ${join(publicFolder, "ca.pem")} is missing`,
      {
        fix: "./pi keys init, then commit keys/",
      },
    );
  }
  const { developmentKeys } = await import("../lib/manifest/development-keys.ts");
  const development = await developmentKeys({
    ...{ folder: `${folder}-development`, cluster, now: new Date(world.clock.now()) },
  });
  reporter.warn(
    "signed with development keys made on this machine: fine to try things out; ./pi keys init makes real ones",
  );
  return { ...development, caShown: join(development.publicFolder, "ca.pem") };
}
